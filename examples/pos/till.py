"""A till that takes vouchers: signs, redeems, asks after a lost reply, reverses, refunds.

Python 3.11 and `cryptography`, nothing else. Copy it, or read it beside docs/pos.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key


class Refused(Exception):
    """The platform said no. `code` is for the program, `detail` for the cashier."""

    def __init__(self, status, problem):
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")
        self.status, self.code = status, problem.get("code", "")
        self.detail, self.problem = problem.get("detail", ""), problem


class Unknown(Exception):
    """No answer came: it may have happened or not. Ask, never guess."""


class Till:
    """One till. `origin` is the merchant face, `key_id` what the manager's page shows."""

    def __init__(self, origin, key_file, key_id, timeout=5.0):
        self.origin, self.key_id, self.timeout = origin.rstrip("/"), key_id, timeout
        self.key = load_pem_private_key(Path(key_file).read_bytes(), None)

    # One call

    def sign(self, method, url, body, idempotency_key):
        """The headers of a signed request (RFC 9421): the covered parts, then the signature."""
        headers, covered = {"Accept-Language": "zh-CN"}, {"@method": method, "@target-uri": url}
        if body:
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            headers["Content-Type"] = "application/json"
            headers["Content-Digest"] = covered["content-digest"] = f"sha-256=:{digest}:"
        if idempotency_key:
            headers["Idempotency-Key"] = covered["idempotency-key"] = idempotency_key
        names = " ".join(f'"{name}"' for name in covered)
        parameters = (
            f'({names});created={int(time.time())};nonce="{secrets.token_urlsafe(18)}"'
            f';keyid="{self.key_id}";alg="ed25519";tag="voucher-pos"'
        )
        lines = [f'"{name}": {value}' for name, value in covered.items()]
        base = "\n".join([*lines, f'"@signature-params": {parameters}'])
        signature = base64.b64encode(self.key.sign(base.encode())).decode()
        return headers | {
            "Signature-Input": f"till={parameters}",
            "Signature": f"till=:{signature}:",
        }

    def call(self, method, path, body=None, idempotency_key=""):
        """One call below /api/v1. Raises Refused, and Unknown when no answer came."""
        url = f"{self.origin}/api/v1{path}"
        raw = b"" if body is None else json.dumps(body).encode()
        headers = self.sign(method, url, raw, idempotency_key)
        request = urllib.request.Request(url, raw or None, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            problem = json.loads(error.read() or b"{}")
            if error.code == 503 or problem.get("code") == "in_progress":
                raise Unknown(problem.get("detail", "")) from error
            raise Refused(error.code, problem) from error
        except (OSError, ValueError) as error:
            raise Unknown(str(error)) from error

    def surely(self, path, body, tries=3, pause=1.0):
        """A changing call, sent again under the same key until an answer comes: it counts once."""
        key = str(uuid.uuid4())
        for _ in range(tries - 1):
            try:
                return self.call("POST", path, body, key)
            except Unknown:
                time.sleep(pause)
        return self.call("POST", path, body, key)

    # What a till does

    def redeem(self, code, amount_fen, reference):
        """Take a voucher in one step. The order that it answers says what the customer pays."""
        order = {"code": code, "order_amount_fen": amount_fen, "order_reference": reference}
        return self.settled("/redemptions", order)

    def freeze(self, code, amount_fen, reference):
        """Set a voucher aside for two minutes, while the customer pays the rest."""
        order = {"code": code, "order_amount_fen": amount_fen, "order_reference": reference}
        return self.settled("/redemptions/freeze", order)

    def commit(self, redemption):
        """The customer paid: the voucher is spent."""
        return self.surely(f"/redemptions/{redemption['id']}/commit", {})

    def cancel(self, redemption):
        """The customer didn't pay: the voucher is free again."""
        return self.surely(f"/redemptions/{redemption['id']}/cancel", {})

    def reverse(self, reference, reason="no answer"):
        """Undo an order whatever became of it; one that never came is refused if it comes late."""
        return self.surely("/redemptions/reverse", {"order_reference": reference, "reason": reason})

    def refund(self, redemption, amount_fen, reason):
        """Give back goods worth `amount_fen` before the voucher; pay out `cash_part_fen`."""
        told = {"amount_fen": amount_fen, "reason": reason}
        return self.surely(f"/redemptions/{redemption['id']}/refunds", told)

    def state(self, reference):
        """What became of an order: None when it never came."""
        found = self.call("GET", f"/redemptions?order_reference={reference}")["items"]
        return found[0] if found else None

    def settled(self, path, order):
        """Send an order, and find out. What stays unknown is reversed: nothing is left hanging."""
        try:
            return self.surely(path, order)
        except Unknown:
            reference = order["order_reference"]
        try:
            found = self.state(reference)
            if found is not None:
                return found
        except Unknown:
            pass
        self.reverse(reference)  # raises Unknown again: keep the reference, and reverse it later
        raise Refused(0, {"code": "reversed", "detail": "没有收到结果，已冲正。请重新扫码。"})

    def test_code(self, want="fresh"):
        """A code to try, at the sandbox's shop."""
        return self.call("POST", "/sandbox/codes", {"want": want})


def main():
    """Redeem a voucher of the sandbox in both ways, and give half of an order back."""
    till = Till(*sys.argv[1:4])
    code = till.test_code()
    done = till.redeem(code["code"], code["order_amount_fen"], f"demo-{uuid.uuid4().hex[:12]}")
    print(f"redeemed: the customer pays {done['payable_fen']} fen")
    back = till.refund(done, code["order_amount_fen"] // 2, "half of it")
    print(f"half given back: {back['cash_part_fen']} fen in cash")
    code = till.test_code()
    held = till.freeze(code["code"], code["order_amount_fen"], f"demo-{uuid.uuid4().hex[:12]}")
    print(f"frozen until {held['freeze_expires_at']}, then {till.commit(held)['status']}")
    try:
        code = till.test_code("expired")
        till.redeem(code["code"], code["order_amount_fen"], "demo-expired")
    except Refused as refusal:
        print(f"refused: {refusal.code}. {refusal.detail}")


if __name__ == "__main__":
    main()
