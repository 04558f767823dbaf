"""Merchants' commands and steps: the registry, the till, synthetic shops.

How merchants come in is said by its own modules: `applying`, `reviewing`, `banking`, `holding`,
`listing`.
"""

from . import admitting
from .applying import applicant_at_desk
from .banking import accounts_at
from .changes import (
    close_cashier,
    close_shop,
    reinstate,
    reinstate_merchant,
    suspend,
    suspend_merchant,
)
from .desk import Desk, desk
from .devices import (
    devices,
    devices_required,
    enrol,
    enrol_here,
    make_enrolment_code,
    proven_device,
    require_devices,
    revoke_device,
    stand_at_device,
)
from .holding import own_holds, payment_held, payments_held
from .insiders import insiders
from .machines import acting, create_machine
from .names import merchant_names, shop_names
from .people import change_password, move_cashier, people, person, reset_password
from .points import (
    add_point,
    change_point,
    close_point,
    load_point,
    points,
    points_to_stand_at,
    stand_at_point,
)
from .points import names as point_names
from .premises import own_shop, own_shops, set_premises
from .registry import create_cashier, create_merchant, create_shop
from .till import (
    cashier_actor,
    cashier_at_till,
    cashier_sign_in,
    cashiers_at_tills,
    shops_accepting,
    till,
    tills,
)
from .upkeep import forget_documents, register_synthetic_shops, rotate_fields
from .views import load_cashier, load_merchant, load_shop

__all__ = [
    "Desk",
    "accounts_at",
    "acting",
    "add_point",
    "admitting",
    "applicant_at_desk",
    "cashier_actor",
    "cashier_at_till",
    "cashier_sign_in",
    "cashiers_at_tills",
    "change_password",
    "change_point",
    "close_cashier",
    "close_point",
    "close_shop",
    "create_cashier",
    "create_machine",
    "create_merchant",
    "create_shop",
    "desk",
    "devices",
    "devices_required",
    "enrol",
    "enrol_here",
    "forget_documents",
    "insiders",
    "load_cashier",
    "load_merchant",
    "load_point",
    "load_shop",
    "make_enrolment_code",
    "merchant_names",
    "move_cashier",
    "own_holds",
    "own_shop",
    "own_shops",
    "payment_held",
    "payments_held",
    "people",
    "person",
    "point_names",
    "points",
    "points_to_stand_at",
    "proven_device",
    "register_synthetic_shops",
    "reinstate",
    "reinstate_merchant",
    "require_devices",
    "reset_password",
    "revoke_device",
    "rotate_fields",
    "set_premises",
    "shop_names",
    "shops_accepting",
    "stand_at_device",
    "stand_at_point",
    "suspend",
    "suspend_merchant",
    "till",
    "tills",
]
