"""Functions of moto's that give the same answer every time and find it anew at each call.

Measured: a new pool searches for the primes of moto's signing key, 0.1 to 0.6 seconds and much
longer where a test has seeded ``random``; each request lists moto's folder and the methods of its
response class, which takes more than half of its time.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cache
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.rsa import (
    rsa_crt_dmp1,
    rsa_crt_dmq1,
    rsa_crt_iqmp,
    rsa_recover_prime_factors,
)
from moto import backends
from moto.core.utils import method_names_from_class as motos_method_names
from moto.utilities import utils

if TYPE_CHECKING:
    from connectors.cognito.sandbox.moto_types import MotoAnswer

_motos_modules = backends.list_of_moto_modules


@cache
def list_of_moto_modules() -> tuple[str, ...]:
    """List moto's services; its folder does not change while it runs."""
    return tuple(_motos_modules())


@cache
def method_names_from_class(clazz: type) -> frozenset[str]:
    """List the operations of a response class."""
    return frozenset(motos_method_names(clazz))


def load_resource(resource: str) -> MotoAnswer:
    """Load a resource of moto's; a private key comes complete."""
    loaded = utils.load_resource(resource)
    if isinstance(loaded, dict) and "d" in loaded and "p" not in loaded:
        return {**loaded, **_primes(loaded["n"], loaded["e"], loaded["d"])}
    return loaded


@cache
def _primes(modulus: str, public: str, private: str) -> dict[str, str]:
    """Work out what is missing of an RSA key in JSON form; once per key and process."""
    d = _number(private)
    p, q = rsa_recover_prime_factors(_number(modulus), _number(public), d)
    missing = {
        "p": p,
        "q": q,
        "dp": rsa_crt_dmp1(d, p),
        "dq": rsa_crt_dmq1(d, q),
        "qi": rsa_crt_iqmp(p, q),
    }
    return {name: _text(value) for name, value in missing.items()}


def _number(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def _text(number: int) -> str:
    return urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode().rstrip("=")
