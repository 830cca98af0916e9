"""Whether a telephone number can be one, by the numbering plans of the world."""


def refuse(number: str) -> str | None:
    """Say why a number cannot be called, without quoting it; None: it can.

    Only its length for its country counts: which ranges are given out changes every month, and
    to refuse a number that works would be worse than to try one that does not.
    """
    import phonenumbers  # noqa: PLC0415 - its tables are loaded when somebody has a number

    try:
        found = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return "no country has such a number; write it as +4915123456789"
    match phonenumbers.is_possible_number_with_reason(found):
        case phonenumbers.ValidationResult.TOO_SHORT:
            return "it is too short for its country"
        case phonenumbers.ValidationResult.TOO_LONG:
            return "it is too long for its country; leave out the 0 after the country's code"
        case phonenumbers.ValidationResult.INVALID_COUNTRY_CODE:
            return "no country has such a number; write it as +4915123456789"
        case _:
            return None
