"""The house's own shipping label: unique tracking numbers without asking anybody."""

from stdnum import luhn

from outbound.carriers.port import Consignment, Label

code = "own"


def book(consignment: Consignment) -> Label:
    """`WMS` + ten digits of the order + two of the parcel + a Luhn check digit."""
    digits = f"{consignment.order_id:010d}{consignment.number:02d}"
    return Label(code, f"WMS{digits}{luhn.calc_check_digit(digits)}")
