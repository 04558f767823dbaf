"""Lists over HTTP and at the desk: uploaded, approved by a second person, followed, fetched."""

from __future__ import annotations

import io
import re

from tests.faces.admin_desk import CHINESE, Desk, main_of, refused, send
from tests.people import newcomers
from voucher_service.identity import service as identity
from voucher_service.jobs import runtime
from voucher_service.kernel.actor import Role


def mobiles(desk: Desk, count: int) -> list[str]:
    persons = newcomers(count)
    identity.register_synthetic(desk.core, people=persons, now=desk.world.now())
    return [one.mobile for one in persons]


def test_a_list_by_api_from_the_upload_to_the_results(desk: Desk) -> None:
    offer, planner = desk.world.offer(), desk.world.planner
    known = mobiles(desk, 2)
    text = "\n".join(["mobile", *known, "13012345678"])
    made = desk.post(planner, "/pushes", {"offer_id": str(offer.id), "list": text})
    assert made.status_code == 201, made.json
    push = made.json
    assert (push["status"], push["lines"], push["count"]) == ("submitted", 3, 2)
    assert push["results"] == {"waiting": 2, "unknown": 1}
    assert push["worst_case_fen"] == 2 * offer.face_value.fen
    again = desk.post(planner, "/pushes", {"offer_id": str(offer.id), "list": text})
    refused(again, 409, "push_repeated")
    (proposal,) = (
        one
        for one in desk.get(planner, "/approvals?state=waiting").json["items"]
        if one["object_id"] == push["id"]
    )
    assert proposal["payload"]["list_sha256"] == push["list_sha256"]
    refused(desk.post(planner, f"/approvals/{proposal['id']}/approve"), 403, "same_person")
    signed = desk.post(desk.world.approver, f"/approvals/{proposal['id']}/approve")
    assert signed.json["status"] == "executed"
    runtime.do(desk.core, f"give_push:{push['id']}")
    done = desk.get(planner, f"/pushes/{push['id']}").json
    assert (done["status"], done["results"]) == ("done", {"given": 2, "unknown": 1})
    file = desk.get(planner, f"/pushes/{push['id']}/results.csv")
    assert "results.csv" in file.headers["Content-Disposition"]
    assert file.text.splitlines()[-1] == "4,,130****5678,unknown"
    listed = desk.get(planner, "/pushes?limit=1").json["items"]
    assert [one["id"] for one in listed] == [push["id"]]


def test_only_planners_upload_and_a_bad_list_is_refused(desk: Desk) -> None:
    offer = str(desk.world.offer().id)
    auditor = desk.world.staff(Role.AUDITOR)
    body = {"offer_id": offer, "list": "mobile\n13800000000"}
    refused(desk.post(auditor, "/pushes", body), 403, "not_allowed")
    refused(desk.post(desk.world.planner, "/pushes", body), 422, "push_list_invalid")
    refused(desk.post(desk.world.planner, "/pushes", {"offer_id": offer}), 422, "invalid_input")
    assert desk.get(auditor, "/pushes").status_code == 200


def test_a_list_may_be_long_and_other_requests_may_not(desk: Desk) -> None:
    offer = str(desk.world.offer().id)
    known = mobiles(desk, 1)
    text = "\n".join(["mobile", *known, *(f"137{n:08d}" for n in range(20_000))])
    made = desk.post(desk.world.planner, "/pushes", {"offer_id": offer, "list": text})
    assert made.status_code == 201 and made.json["lines"] == 20_001
    other = desk.post(desk.world.planner, "/lotteries", {"offer_id": offer, "more": text})
    assert other.status_code == 413
    huge = {"offer_id": offer, "list": "x" * 9_000_000}
    assert desk.post(desk.world.planner, "/pushes", huge).status_code == 413


def test_a_planner_uploads_a_file_and_an_approver_seals_it(desk: Desk) -> None:
    offer = desk.world.offer()
    planner, approver = desk.browser(desk.world.planner), desk.browser(desk.world.approver)
    wrong = send(planner, "/pushes", "/pushes", offer=str(offer.id))
    assert wrong.status_code == 422 and "请先选一个文件" in wrong.text
    content = "户号,手机号\n" + "\n".join(f"一,{one}" for one in mobiles(desk, 3))
    file = (io.BytesIO(content.encode()), "list.csv")
    made = send(planner, "/pushes", "/pushes", offer=str(offer.id), list=file)
    assert made.status_code == 303, made.text
    page = planner.get(made.location).text
    assert "每户一张" in page and "同户已选别人" in page
    (proposal,) = re.findall(r'href="(/approvals/[0-9a-f-]{36})"', page)
    assert "不能批自己的提案" in planner.get(proposal).text
    shown = approver.get(proposal).text
    assert "名单的 SHA-256" in shown and "¥20.00" in shown
    assert proposal in approver.get("/approvals").text
    for path in ("/pushes", made.location, proposal):
        english = approver.get(path, headers={"Accept-Language": "en"})
        assert english.status_code == 200
        said = main_of(english.text).replace(offer.title, "").replace(offer.campaign_name, "")
        assert CHINESE.findall(said) == []
    assert send(approver, proposal, f"{proposal}/approve").status_code == 303
    runtime.do(desk.core, f"give_push:{made.location.rsplit('/', 1)[1]}")
    page = planner.get(made.location).text
    assert "发完了" in page
    assert planner.get(f"{made.location}/results.csv").status_code == 200


def test_who_approves_a_campaign_sees_for_whom_its_offers_are(desk: Desk) -> None:
    planner = desk.world.planner
    campaign = desk.planned()
    offers = desk.get(planner, f"/campaigns/{campaign}").json["offers"]
    body = {"offer_id": offers[0]["id"], "list": "mobile\n" + mobiles(desk, 1)[0]}
    made = desk.post(planner, "/pushes", body)
    assert made.json["reserved"] is True
    answer = desk.post(planner, f"/campaigns/{campaign}/submit")
    page = desk.browser(desk.world.approver).get(f"/approvals/{answer.json['approval_id']}").text
    assert "只发给名单上的人" in page and made.json["list_sha256"] in page
