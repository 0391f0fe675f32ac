"""Pairwise masks of a group of fog nodes, which cancel in the group's sum.

Each pair of nodes agrees on a key (X25519, RFC 7748). It seeds a stream that one of them adds and
the other subtracts (Bonawitz et al. 2017, doi:10.1145/3133956.3133982, without the recovery from
drop-outs). A key pair is made for one round and masks one dW.
"""

from collections.abc import Sequence

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fog_flower.masked import Ring

_INFO = b"fog-flower masked sums, version 1"
_KEY_BYTES = 32  # AES-256
_COUNTER_FROM = bytes(16)  # each key is used for one stream, so the counter may start at 0


def new_key() -> tuple[bytes, bytes]:
    """Return a new private key and its public key, from the system's entropy."""
    key = X25519PrivateKey.generate()
    return key.private_bytes_raw(), key.public_key().public_bytes_raw()


def mask_of(private: bytes, group: Sequence[bytes], salt: bytes, size: int) -> Ring:
    """Return the mask of one node, uint32 [size]; the masks of its group add up to 0.

    Parameters
    ----------
    private : bytes
        The node's private key.
    group : sequence of bytes
        The public keys of all nodes of the group, its own included.
    salt : bytes
        Salt of the key derivation; must be the same for the whole group.
    size : int
        Number of values to mask.

    Raises
    ------
    ValueError
        If a key is invalid, the node's own key is missing, or a key occurs twice.
    """
    key = X25519PrivateKey.from_private_bytes(private)
    own = key.public_key().public_bytes_raw()
    if own not in group or len(set(group)) != len(group):
        raise ValueError("the keys of the group are not those of a group with this node")
    mask = np.zeros(size, np.uint32)
    for other in group:
        if other == own:
            continue
        secret = key.exchange(X25519PublicKey.from_public_bytes(other))
        derived = HKDF(SHA256(), _KEY_BYTES, salt, _INFO).derive(secret)
        stream = Cipher(AES(derived), CTR(_COUNTER_FROM)).encryptor().update(bytes(4 * size))
        numbers = np.frombuffer(stream, "<u4")
        mask = mask + numbers if own < other else mask - numbers
    return mask
