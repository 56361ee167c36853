"""The CDDL of the page as Python values. A form is a function that returns whether an item has it."""

import re

import sign1
from cbor import Refused, Tag18, decode

# The partition is that of the region.
_ARN = re.compile(r"arn:(aws-cn:kms:cn|aws-us-gov:kms:us-gov|aws-eusc:kms:eusc|aws:kms:(?!cn-|us-gov-)[a-z]{2})"
                  r"(-[a-z]+)+-[0-9]{1,2}:[0-9]{12}:key/"
                  r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_uint(item):
    return type(item) is int and item >= 0


def uint(low, high):
    return lambda item: is_uint(item) and low <= item <= high


def exactly(value):
    return lambda item: type(item) is type(value) and item == value


def data(low, high=None):
    """A byte string of `low` to `high` bytes."""
    return lambda item: type(item) is bytes and low <= len(item) <= (low if high is None else high)


def is_bytes(item):
    return type(item) is bytes


def is_text(item):
    return type(item) is str


def is_bool(item):
    return type(item) is bool


def is_null(item):
    return item is None


def is_arn(item):
    return type(item) is str and 20 <= len(item) <= 200 and _ARN.fullmatch(item) is not None


def is_sign1(item):
    try:
        sign1.check_form(item)
    except Refused:
        return False
    return isinstance(item, Tag18)


def either(*forms):
    return lambda item: any(form(item) for form in forms)


def optional_null(form):
    return either(form, is_null)


def array(form, low=0, high=1 << 64):
    return lambda item: type(item) is list and low <= len(item) <= high and all(map(form, item))


def fixed_array(*forms):
    return lambda item: type(item) is list and len(item) == len(forms) and all(f(x) for f, x in zip(forms, item))


def mapping(required, optional=None):
    """A map with all keys of `required`, some of `optional`, and no other key."""
    optional = optional or {}
    forms = {**required, **optional}
    return lambda item: type(item) is dict and required.keys() <= item.keys() <= forms.keys() and \
        all(forms[k](v) for k, v in item.items())


def is_params(item):
    """{* uint => any}"""
    return type(item) is dict and all(map(is_uint, item))


def ascending(items):
    """Whether each item is greater than the one before it."""
    return all(a < b for a, b in zip(items, items[1:]))


def check(name, form, item):
    if not form(item):
        raise Refused(f"{name}: invalid form")
    return item


def parse(name, form, encoded):
    return check(name, form, decode(encoded))


d32, d48, id16, ms = data(32), data(48), data(16), is_uint
null_d32, null_d48 = optional_null(d32), optional_null(d48)
