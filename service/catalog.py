"""What can be asked for and what can come back, made from the contract itself: it cannot fall behind it."""

from dataclasses import asdict
from functools import cache
from typing import Any, Literal, get_args

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from service.contract.base import Contract
from service.contract.conditions import (
    CONDITIONS,
    MEASURES,
    REMEDIES,
    ConditionInfo,
    Measure,
    RemedyInfo,
)
from service.contract.data_spec import BUILTIN, UploadData
from service.contract.layers import LAYER_TYPES
from service.contract.layers.initializers import INITIALIZERS
from service.contract.layers.pointwise import ActivationFunction
from service.contract.model_spec import ExportedModel, TorchScriptModel
from service.contract.templates import TemplateModel
from service.contract.training_plan import LossName, OptimizerName, Precision
from service.settings import Settings

router = APIRouter(prefix="/v1/catalog", tags=["catalog"])


class CatalogField(Contract):
    """A field of something that can be asked for."""

    name: str
    """Its name."""
    description: str
    """What it is."""
    required: bool
    """Whether it must be given."""
    default: Any = None
    """What it is if it is not given."""


class CatalogEntry(Contract):
    """Something that can be asked for: a layer, an initialiser, an architecture."""

    name: str
    """Its name in a request."""
    description: str
    """What it is."""
    fields: list[CatalogField]
    """Its other fields. Types and bounds are in `/openapi.json`."""


class CatalogData(Contract):
    """A built-in data set."""

    name: str
    """Its name in a request."""
    description: str
    """What it is."""
    input_shape: list[int]
    """Shape of one sample."""
    task: Literal["classification", "regression"]
    """What is to be learned."""
    classes: int | None
    """Number of classes, for classification."""
    samples: int
    """Number of samples, held-out ones included."""
    generated: bool
    """Whether its samples are made up, in the number and length asked for."""


class Catalog(Contract):
    """What this service knows."""

    layers: list[CatalogEntry]
    """Layers of a model spec; `name` is the `op`."""
    templates: list[CatalogEntry]
    """Architectures in a few numbers."""
    uploads: list[CatalogEntry]
    """How a job names files that were uploaded: a `model` of kind `torchscript` or `exported`, `data` of kind
    `upload`."""
    activations: list[str]
    """Activation functions."""
    initializers: list[CatalogEntry]
    """Initialisers."""
    optimizers: list[str]
    """Optimizers."""
    losses: list[str]
    """Losses."""
    precisions: list[str]
    """Number formats."""
    data_sets: list[CatalogData]
    """Built-in data sets."""
    conditions: list[ConditionInfo]
    """What a diagnosis can find, with thresholds and their sources."""
    measures: list[Measure]
    """Quantities that evidence is given in."""
    remedies: list[RemedyInfo]
    """Changes that can help."""
    limits: dict[str, float]
    """How large a request may be; `layers`, `nesting`, `parameters` and `activation_values` of the network,
    `body_bytes` of the body, `upload_bytes` of a file, `max_wait_seconds` of a wait."""


@router.get("", response_model=Catalog)
async def get_catalog(request: Request) -> Response:
    """Everything that can be asked for and everything that can be found."""
    return Response(_catalog_json(request.app.state.settings), media_type="application/json")


def catalog(settings: Settings) -> Catalog:
    """The catalog of a service with these settings."""
    sizes = {name: getattr(settings, name) for name in ("body_bytes", "upload_bytes", "max_wait_seconds")}
    return Catalog(
        layers=[_entry(layer, "op") for layer in LAYER_TYPES],
        templates=[_entry(template, "template") for template in _members(TemplateModel.__value__)],
        uploads=[_entry(upload, "kind") for upload in (TorchScriptModel, ExportedModel, UploadData)],
        activations=list(get_args(ActivationFunction)),
        initializers=[_entry(initializer, "name") for initializer in INITIALIZERS],
        optimizers=list(get_args(OptimizerName)),
        losses=list(get_args(LossName)),
        precisions=list(get_args(Precision)),
        data_sets=_data_sets(),
        conditions=list(CONDITIONS.values()),
        measures=list(MEASURES.values()),
        remedies=list(REMEDIES.values()),
        limits=asdict(settings.sizes) | sizes,
    )


@cache
def _catalog_json(settings: Settings) -> str:
    return catalog(settings).model_dump_json()


def _members(union: object) -> tuple[type[BaseModel], ...]:
    """The types of an annotated union."""
    members: tuple[type[BaseModel], ...] = get_args(get_args(union)[0])
    return members


def _entry(kind: type[BaseModel], tag: str) -> CatalogEntry:
    fields = [_field(name, info) for name, info in kind.model_fields.items() if name not in {tag, "kind"}]
    return CatalogEntry(
        name=kind.model_fields[tag].default, description=" ".join((kind.__doc__ or "").split()), fields=fields
    )


def _field(name: str, info: FieldInfo) -> CatalogField:
    default = info.get_default(call_default_factory=True, validated_data={})
    return CatalogField(
        name=info.alias or name,
        description=" ".join((info.description or "").split()),
        required=info.is_required(),
        default=None if info.is_required() else _plain(default),
    )


def _plain(value: Any) -> Any:
    return value.model_dump() if isinstance(value, BaseModel) else value


def _data_sets() -> list[CatalogData]:
    return [
        CatalogData(
            name=name,
            description=info.title,
            input_shape=list(info.shape.sample.shape),
            task=info.shape.task,
            classes=info.shape.classes,
            samples=info.shape.samples,
            generated=info.generated,
        )
        for name, info in BUILTIN.items()
    ]
