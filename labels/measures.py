"""Weights, lengths and counts as labels print them."""


def kilograms(weight_g: int) -> str:
    return f"{weight_g / 1000:.2f} kg"


def centimetres(length_mm: int, width_mm: int, height_mm: int) -> str:
    return " × ".join(f"{side / 10:g}" for side in (length_mm, width_mm, height_mm)) + " cm"
