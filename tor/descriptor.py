"""
Descriptors: what the network is told of an onion service, and so what strangers see.

    outer layer    opens with the address
      inner layer  opens with the address alone, or only with an authorized client's key
        introduction points, proof of work

That the inner layer does **not** open with the address alone is the one proof that
client authorization is really on: tor falls back to a service for everybody without
saying so.  Layers and fields are those of rend-spec-v3, section 2.5,
https://spec.torproject.org/rend-spec/hsdesc-encrypt.html

stem opens both layers or fails, and does not say at which.  Three of its names that
are not public are used here and nowhere else; the tests fail if a new version has no
such names.
"""

from dataclasses import dataclass
from typing import Final, Self

from stem.descriptor.hidden_service import (
    HiddenServiceDescriptorV3,
    OuterLayer,
    _decrypt_layer,
)

from tor.address import OnionAddress
from tor.errors import TorError

INNER_LAYER: Final = b"hsdir-encrypted-data"


class UnreadableDescriptor(TorError):
    """What the network has under this address is no descriptor of it."""


@dataclass(frozen=True)
class Published:
    """
    What a descriptor says to somebody who knows the address and nothing else.

    Attributes:
        authorized_only: Whether it says nothing more without a client's key.

        introduction_points: How many; None if that needs a key.

        proof_of_work: Whether clients may be asked for work; None if that needs a key.
    """

    authorized_only: bool
    introduction_points: int | None = None
    proof_of_work: bool | None = None

    @classmethod
    def read(cls, untrusted_text: str, address: OnionAddress) -> Self:
        """
        Read a descriptor with nothing but the address.

        Raises:
            UnreadableDescriptor: If not even its outer layer opens.
        """
        try:
            descriptor = HiddenServiceDescriptorV3.from_str(untrusted_text)
            blinded = descriptor.signing_cert.signing_key()
            identity = HiddenServiceDescriptorV3.identity_key_from_address(address)
            secrets = (
                descriptor.revision_counter,
                HiddenServiceDescriptorV3._subcredential(identity, blinded),
                blinded,
            )
            outer = OuterLayer._decrypt(descriptor.superencrypted, *secrets)
        except (AttributeError, ValueError) as error:
            raise UnreadableDescriptor(UnreadableDescriptor.__doc__) from error
        try:
            inner = str(_decrypt_layer(outer.encrypted, INNER_LAYER, *secrets))
        except ValueError:
            # The MAC is another one.  Nothing is parsed here, so that nothing else can
            # pass for a layer that needs a key.
            return cls(authorized_only=True)
        return cls(
            authorized_only=False,
            introduction_points=inner.count("\nintroduction-point "),
            proof_of_work="\npow-params " in inner,
        )
