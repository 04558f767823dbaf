"""What a trade-in would get, by call and by page: before anything is asked of the reader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from voucher_service.infra.core import Core
from voucher_service.resident.app import create_app

FRIDGE = {
    "scheme": "appliance",
    "category": "refrigerator",
    "price_fen": 389_900,
    "on": "2026-03-01",
    "grade": 1,
}
CAR = {
    "scheme": "car_scrap",
    "category": "car",
    "price_fen": 12_880_000,
    "on": "2026-03-01",
    "new": {"energy": "petrol", "engine_litres": 1.5},
    "old": {"energy": "petrol", "registered_on": "2012-05-01", "owned_since": "2019-01-01"},
}


@pytest.fixture
def client(core: Core) -> Iterator[FlaskClient]:
    with create_app(core).test_client() as made:
        yield made


def ask(client: FlaskClient, case: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """The status and the answer of a quote."""
    answer = client.post("/api/v1/trade-in/quotes", json=case)
    told = answer.get_json()
    assert isinstance(told, dict)
    return answer.status_code, told


def test_who_is_not_signed_in_is_told_the_sum_and_how_it_comes_about(client: FlaskClient) -> None:
    status, told = ask(client, FRIDGE)
    assert (status, told["eligible"], told["subsidy_fen"]) == (200, True, 58_485)
    assert told["policy"] == "appliance-2026"
    assert told["steps"] == ["成交价 ¥3,899.00", "补 15% ¥584.85"]
    assert told["reasons"] == []


def test_a_car_of_2026_gets_a_share_of_its_price(client: FlaskClient) -> None:
    assert ask(client, CAR)[1]["subsidy_fen"] == 1_288_000


def test_who_scraps_an_electric_car_gets_nothing_for_a_petrol_car_and_is_told_why(
    client: FlaskClient,
) -> None:
    old = {"energy": "nev", "registered_on": "2018-01-01", "owned_since": "2018-02-01"}
    status, told = ask(client, {**CAR, "old": old})
    assert (status, told["eligible"], told["subsidy_fen"]) == (200, False, 0)
    assert told["reason_codes"] == ["old_energy_not_covered"]
    assert told["reasons"] == ["报废新能源车、换购燃油车不补。"]


def test_the_price_tiers_of_dongguan_count_in_its_towns_alone(client: FlaskClient) -> None:
    case = {**CAR, "scheme": "car_replace", "on": "2025-06-01", "price_fen": 7_000_000}
    assert ask(client, {**case, "area": "441900003"})[1]["subsidy_fen"] == 800_000
    assert ask(client, {**case, "area": "4417"})[1]["reason_codes"] == ["no_policy"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"category": "yacht"},
        {"grade": 6},
        {"new": {"energy": "steam"}},
        {"on": "1.3.2026"},
        {"price_fen": 0},
        {"price_fen": 1.5},
        {"unheard_of": 1},
    ],
    ids=lambda wrong: "-".join(f"{name}={value}" for name, value in wrong.items()),
)
def test_what_cannot_be_read_is_refused_with_the_field_that_is_wrong(
    client: FlaskClient, wrong: dict[str, Any]
) -> None:
    status, told = ask(client, {**FRIDGE, **wrong})
    assert (status, told["code"]) == (422, "invalid_input")
    assert next(iter(wrong)) in str(told["errors"])


def test_an_english_reader_is_answered_in_english(client: FlaskClient) -> None:
    answer = client.post(
        "/api/v1/trade-in/quotes",
        json={**FRIDGE, "category": "dishwasher"},
        headers={"Accept-Language": "en"},
    )
    told = answer.get_json()
    assert told["reasons"] == ["This kind of product gets no subsidy in 2026."]


def test_the_page_lists_what_gets_a_subsidy_and_adds_it_up_without_scripts(
    client: FlaskClient,
) -> None:
    assert "冰箱" in client.get("/trade-in").text
    page = client.get("/trade-in/refrigerator?grade=1&price=3899&on=2026-03-01").text
    assert "584.85" in page.replace("<small>", "").replace("</small>", "")
    assert "¥3,314.15" in page


def test_what_is_public_can_be_reached_by_links(client: FlaskClient) -> None:
    assert 'href="/trade-in/notice"' in client.get("/trade-in").text
    assert 'href="/checkpoints"' in client.get("/help").text


def test_the_page_keeps_what_was_typed_when_something_is_missing(client: FlaskClient) -> None:
    answer = client.get("/trade-in/car?price=128800&new_energy=nev")
    assert answer.status_code == 422
    assert 'value="128800"' in answer.text
    assert "请选旧车是报废还是卖掉。" in answer.text


def test_the_page_asks_at_once_since_when_the_old_car_is_the_reader_s(client: FlaskClient) -> None:
    asked = "price=128800&scheme=car_scrap&new_energy=nev&old_energy=petrol"
    answer = client.get(f"/trade-in/car?{asked}&registered_on=2011-05-20")
    assert answer.status_code == 422
    assert "请填旧车是哪天登记到您名下的。" in answer.text and "这样买补不了" not in answer.text


def test_a_category_that_nobody_heard_of_is_not_found(client: FlaskClient) -> None:
    assert client.get("/trade-in/yacht").status_code == 404
