"""The claims of this process, which share their commits."""

from __future__ import annotations

from uuid import UUID

from flask import Flask, current_app

from voucher_service.campaigns import service as campaigns
from voucher_service.kernel.ids import OfferId
from voucher_service.vouchers.service import Group
from voucher_service.web.site import Site, core

_NAME = "claims"
_MOST = 1_024
_ids: dict[str, OfferId] = {}  # a published offer keeps its short name for good


def install(app: Flask) -> None:
    """Give the face its group."""
    site = app.extensions["voucher"]
    assert isinstance(site, Site)
    app.extensions[_NAME] = Group(site.core)


def offer_id(name: str) -> OfferId:
    """The id of an offer named by its id or its slug. Raises NoSuchThing for an unknown slug."""
    try:
        return OfferId(UUID(name))
    except ValueError:
        pass
    known = _ids.get(name)
    if known is None:
        known = campaigns.offer_named(core(), name=name).id
        if len(_ids) >= _MOST:
            _ids.clear()
        _ids[name] = known
    return known


def group() -> Group:
    """The group of the face that answers this request."""
    found = current_app.extensions[_NAME]
    assert isinstance(found, Group)
    return found
