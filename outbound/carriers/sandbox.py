"""Labels of the sandbox, which no carrier takes: `TEST` stands on all of them."""

from stdnum import luhn

from outbound.carriers.port import Consignment, Label

code = "test"


def book(consignment: Consignment) -> Label:
    """`TEST` + ten digits of the order + two of the parcel + a Luhn check digit."""
    digits = f"{consignment.order_id:010d}{consignment.number:02d}"
    return Label(code, f"TEST{digits}{luhn.calc_check_digit(digits)}")
