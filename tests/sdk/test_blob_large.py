# SPDX-License-Identifier: Apache-2.0
"""1 GiB each way by SharedKey, SAS and token, streamed and compared by SHA-256."""

import hashlib
import io
import os
import time
from datetime import datetime, timedelta, timezone

import pytest
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient, ContainerSasPermissions, generate_container_sas

from harness import unique

MIB = 1 << 20
SIZE = int(os.environ.get("LAZULI_SDK_LARGE_MIB", "1024")) * MIB

pytestmark = pytest.mark.slow


class Stream(io.RawIOBase):
    """`SIZE` bytes that never repeat a block, hashed as they are read; nothing is kept."""

    def __init__(self):
        self.block = os.urandom(MIB - 8)
        self.position = 0
        self.rest = b""
        self.hash = hashlib.sha256()

    def readable(self):
        return True

    def seekable(self):
        return False

    def read(self, size=-1):
        parts, wanted = [], SIZE - self.position if size < 0 else min(size, SIZE - self.position)
        while wanted > 0:
            if not self.rest:
                self.rest = (self.position // MIB).to_bytes(8, "big") + self.block
            part, self.rest = self.rest[:wanted], self.rest[wanted:]
            parts.append(part)
            wanted -= len(part)
            self.position += len(part)
        data = b"".join(parts)
        self.hash.update(data)
        return data


def credential_of(kind, service, container):
    if kind == "SharedKey":
        return service.credential.account_key
    if kind == "token":
        return DefaultAzureCredential()
    return generate_container_sas(
        service.account_name,
        container,
        account_key=service.credential.account_key,
        permission=ContainerSasPermissions(read=True, write=True, create=True, list=True),
        expiry=datetime.now(timezone.utc) + timedelta(hours=1),
    )


@pytest.mark.parametrize("kind", ["SharedKey", "SAS", "token"])
def test_there_and_back(kind):
    service = BlobServiceClient.from_connection_string(
        os.environ["AZURE_STORAGE_CONNECTION_STRING"]
    )
    container = service.create_container(unique("large"))
    credential = credential_of(kind, service, container.container_name)
    blob = BlobServiceClient(
        service.url, credential=credential, max_block_size=32 * MIB, max_chunk_get_size=32 * MIB
    ).get_blob_client(container.container_name, "large.bin")
    try:
        source = Stream()
        begun = time.monotonic()
        blob.upload_blob(source, length=SIZE, max_concurrency=2)
        uploaded = time.monotonic()
        assert blob.get_blob_properties().size == SIZE
        received = hashlib.sha256()
        for chunk in blob.download_blob(max_concurrency=2).chunks():
            received.update(chunk)
        ended = time.monotonic()
        assert received.hexdigest() == source.hash.hexdigest()
        print(
            f"{kind}: {SIZE // MIB} MiB up in {uploaded - begun:.1f} s, "
            f"down in {ended - uploaded:.1f} s"
        )
    finally:
        container.delete_container()
