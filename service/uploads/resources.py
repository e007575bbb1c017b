"""The two resources: what differs between checkpoints and data sets."""

from dataclasses import dataclass

from service.contract.upload import UploadKind


@dataclass(frozen=True)
class Resource:
    """Uploads that are used for the same purpose."""

    kind: UploadKind
    path: str
    plural: str
    """In names of operations."""
    what: str
    """What its files are, in a few words."""
    example: str
    """A file name."""

    @property
    def curl(self) -> str:
        """A command that uploads a file, without the service's address."""
        return f"curl --data-binary @{self.example} http://…{self.path}"


RESOURCES = {
    UploadKind.CHECKPOINT: Resource(
        UploadKind.CHECKPOINT,
        "/v1/checkpoints",
        "checkpoints",
        "a TorchScript archive (`torch.jit.save`) or an exported program (`torch.export.save`, `.pt2`)",
        "model.pt",
    ),
    UploadKind.DATASET: Resource(
        UploadKind.DATASET,
        "/v1/datasets",
        "datasets",
        "a `.npz` archive or a `.safetensors` file with an array of inputs and one of targets",
        "data.npz",
    ),
}
"""Every resource."""
