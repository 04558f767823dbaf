"""The board: a programme now, on a map, by hour and against its budget; for desks and for walls."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request

from admin.pages.home import board_of, chosen_of
from admin.tiles import off_map, tiles
from voucher_service.campaigns import service as campaigns
from voucher_service.campaigns.model import Programme
from voucher_service.kernel.errors import NoSuchThing
from voucher_service.web.auth import actor
from voucher_service.web.site import core

board = Blueprint("board", __name__, url_prefix="/board")


@board.get("")
def show() -> str:
    """The page; with `wall` nothing but the board, large."""
    known = campaigns.programmes(core())
    chosen = chosen_of(known)
    if chosen is None:
        return render_template("admin/leverage_none.html")
    page = "admin/board_wall.html" if "wall" in request.args else "admin/board.html"
    return render_template(page, programmes=known, **_told(chosen))


@board.get("/now")
def now() -> str:
    """What changes on it: the page asks for it again."""
    chosen = chosen_of(campaigns.programmes(core()))
    if chosen is None:
        raise NoSuchThing
    return render_template("admin/board_now.html", **_told(chosen))


def _told(programme: Programme) -> dict[str, Any]:
    found = board_of(programme)
    drawn = tiles(found["board"], found["report"], within=actor().area)
    return found | {
        "programme": programme,
        "tiles": drawn,
        "off_map": off_map(drawn, found["report"]),
    }
