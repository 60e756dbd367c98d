"""The part of the Compose specification that our file uses; unknown keys are errors."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Healthcheck(Part):
    test: list[str] | None = None
    interval: str | None = None
    timeout: str | None = None
    retries: int | None = None
    disable: bool = False


class Dependency(Part):
    condition: Literal["service_started", "service_healthy", "service_completed_successfully"]


Pinned = Annotated[str, Field(pattern=r"^[a-z0-9/.-]+:(v?\d+\.\d+(\.\d+)?(-[\w.-]+)?|local)$")]
Bind = Annotated[str, Field(pattern=r"^(\./[\w./-]+|[a-z]+):/[\w./-]+(:ro)?$")]
# Nothing of the demo is for the network.
Port = Annotated[str, Field(pattern=r"^127\.0\.0\.1:\d+:\d+$")]


class Service(Part):
    image: Pinned
    build: Literal["."] | None = None
    user: Annotated[str, Field(pattern=r"^[1-9]\d*:[1-9]\d*$")] | None = None
    entrypoint: list[str] | None = None
    command: list[str] | None = None
    environment: dict[str, str] = {}
    depends_on: dict[str, Dependency] = {}
    healthcheck: Healthcheck | None = None
    ports: list[Port] = []
    volumes: list[Bind] = []
    tmpfs: list[str] = []
    read_only: bool = False
    cap_drop: list[Literal["ALL"]] = []
    security_opt: list[Literal["no-new-privileges:true"]]
    restart: Literal["unless-stopped"] | None = None
    shm_size: str | None = None


class ComposeFile(Part):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    name: str
    hardened: dict[str, Any] = Field(alias="x-hardened")
    services: dict[str, Service]
    volumes: dict[str, dict[str, Any]]
