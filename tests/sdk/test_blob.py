# SPDX-License-Identifier: Apache-2.0
"""Block blobs by SharedKey, SAS and token: blocks, ranges, conditions, lists."""

import base64
import hashlib
import os
import uuid
from datetime import datetime, timedelta, timezone

import pytest
import requests
from azure.core import MatchConditions
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.identity import DefaultAzureCredential
from azure.storage.blob import (
    BlobBlock,
    BlobSasPermissions,
    BlobServiceClient,
    ContainerSasPermissions,
    ContentSettings,
    generate_blob_sas,
    generate_container_sas,
)

from harness import unique


@pytest.fixture(scope="module")
def service():
    return BlobServiceClient.from_connection_string(os.environ["AZURE_STORAGE_CONNECTION_STRING"])


@pytest.fixture(scope="module")
def container(service):
    made = service.create_container(unique("blobs"))
    yield made
    made.delete_container()


@pytest.fixture
def blob(container):
    return container.get_blob_client(unique("blob"))


def until(minutes):
    return datetime.now(timezone.utc) + timedelta(minutes=minutes)


def container_sas(service, container, **permissions):
    return generate_container_sas(
        service.account_name,
        container.container_name,
        account_key=service.credential.account_key,
        permission=ContainerSasPermissions(**permissions),
        expiry=until(10),
    )


def reaching(service, container, credential):
    return BlobServiceClient(service.url, credential=credential).get_container_client(
        container.container_name
    )


@pytest.fixture(params=["SharedKey", "SAS", "token"])
def reached(request, service, container):
    """The container as each of the three kinds of credential reaches it."""
    if request.param == "SharedKey":
        return container
    if request.param == "SAS":
        sas = container_sas(
            service, container, read=True, write=True, create=True, list=True, delete=True
        )
        return reaching(service, container, sas)
    return reaching(service, container, DefaultAzureCredential())


def test_round_trip(reached):
    content = os.urandom(100_000)
    name = f"folder/é {uuid.uuid4().hex} +%&.bin"
    made = reached.upload_blob(name, content, metadata={"k": "v"})
    assert made.download_blob().readall() == content
    properties = made.get_blob_properties()
    assert properties.size == len(content)
    assert properties.metadata == {"k": "v"}
    assert properties.etag.startswith('"') and properties.etag.endswith('"')
    assert name in [found.name for found in reached.list_blobs(name_starts_with="folder/é")]
    made.delete_blob()
    assert not made.exists()


def test_containers(service):
    name = unique("made")
    made = service.create_container(name, metadata={"a": "b"})
    with pytest.raises(ResourceExistsError) as caught:
        service.create_container(name)
    assert caught.value.error_code == "ContainerAlreadyExists"
    assert made.get_container_properties().metadata == {"a": "b"}
    assert name in [found.name for found in service.list_containers(name_starts_with="made")]
    made.delete_container()
    with pytest.raises(ResourceNotFoundError) as caught:
        made.get_container_properties()
    assert caught.value.error_code == "ContainerNotFound"


def test_empty_blob(blob):
    blob.upload_blob(b"")
    assert blob.download_blob().readall() == b""
    with pytest.raises(HttpResponseError) as caught:
        blob._client.blob.download(range="bytes=0-9")
    assert caught.value.status_code == 416
    assert caught.value.response.headers["x-ms-error-code"] == "InvalidRange"


def test_ranges(blob):
    content = bytes(range(256)) * 1000
    blob.upload_blob(content)
    assert blob.download_blob(offset=1000, length=500).readall() == content[1000:1500]
    assert blob.download_blob(offset=255_990).readall() == content[255_990:]
    part = blob.download_blob(offset=255_000, length=100_000)
    assert part.readall() == content[255_000:]
    with pytest.raises(HttpResponseError) as caught:
        blob._client.blob.download(range="bytes=256000-256001")
    assert caught.value.status_code == 416


def test_blocks(blob):
    ids = [base64.b64encode(f"{number:06}".encode()).decode() for number in range(3)]
    for number, identity in enumerate(ids):
        blob.stage_block(identity, bytes([number]) * 1000)
    committed, uncommitted = blob.get_block_list("all")
    assert committed == [] and len(uncommitted) == 3
    assert not blob.exists()
    blob.commit_block_list([BlobBlock(ids[2]), BlobBlock(ids[0])], metadata={"m": "1"})
    assert blob.download_blob().readall() == b"\x02" * 1000 + b"\x00" * 1000
    committed, uncommitted = blob.get_block_list("all")
    assert [block.id for block in committed] == [ids[2], ids[0]] and uncommitted == []
    blob.stage_block(ids[1], b"new" * 10)
    blob.commit_block_list([BlobBlock(ids[0]), BlobBlock(ids[1])])
    assert blob.download_blob().readall() == b"\x00" * 1000 + b"new" * 10
    with pytest.raises(HttpResponseError) as caught:
        blob.commit_block_list([BlobBlock(base64.b64encode(b"999999").decode())])
    assert (caught.value.status_code, caught.value.error_code) == (400, "InvalidBlockList")


def test_conditions(blob):
    first = blob.upload_blob(b"one")
    with pytest.raises(ResourceExistsError) as caught:
        blob.upload_blob(b"two")
    assert (caught.value.status_code, caught.value.error_code) == (409, "BlobAlreadyExists")
    second = blob.upload_blob(b"two", overwrite=True)
    assert second["etag"] != first["etag"]
    with pytest.raises(ResourceModifiedError) as caught:
        blob.upload_blob(
            b"three",
            overwrite=True,
            etag=first["etag"],
            match_condition=MatchConditions.IfNotModified,
        )
    assert (caught.value.status_code, caught.value.error_code) == (412, "ConditionNotMet")
    with pytest.raises(HttpResponseError) as caught:
        blob.download_blob(etag=second["etag"], match_condition=MatchConditions.IfModified)
    assert caught.value.status_code == 304
    with pytest.raises(ResourceModifiedError):
        blob.download_blob(if_unmodified_since=datetime(2020, 1, 1, tzinfo=timezone.utc))
    assert blob.download_blob().readall() == b"two"


def test_properties_and_metadata(blob):
    content = b"some text"
    blob.upload_blob(
        content,
        content_settings=ContentSettings(
            content_type="text/plain", content_encoding="identity", cache_control="no-cache"
        ),
    )
    properties = blob.get_blob_properties()
    assert properties.content_settings.content_type == "text/plain"
    assert properties.content_settings.cache_control == "no-cache"
    assert properties.blob_type == "BlockBlob"
    before = properties.etag
    blob.set_blob_metadata({"upload_status": "completed", "Name": "Mixed Case"})
    properties = blob.get_blob_properties()
    assert properties.metadata == {"upload_status": "completed", "Name": "Mixed Case"}
    assert properties.etag != before
    assert blob.download_blob().readall() == content


def test_md5(blob):
    content = b"checked"
    good = bytearray(hashlib.md5(content).digest())
    blob.upload_blob(content, content_settings=ContentSettings(content_md5=good))
    assert blob.get_blob_properties().content_settings.content_md5 == good
    with pytest.raises(HttpResponseError) as caught:
        blob._client.block_blob.upload(
            content_length=len(content),
            body=content,
            transactional_content_md5=hashlib.md5(b"other").digest(),
        )
    assert caught.value.status_code == 400
    assert caught.value.response.headers["x-ms-error-code"] == "Md5Mismatch"
    blob.upload_blob(content, overwrite=True, validate_content=True)
    assert blob.download_blob(validate_content=True).readall() == content


def test_list(container):
    prefix = unique("list")
    names = [f"{prefix}/a.txt", f"{prefix}/b/1.txt", f"{prefix}/b/2.txt", f"{prefix}/c/d/e.txt"]
    for name in names:
        container.upload_blob(name, name.encode(), metadata={"n": name[-5:]})
    listed = list(container.list_blobs(name_starts_with=f"{prefix}/", include=["metadata"]))
    assert [found.name for found in listed] == names
    assert listed[0].metadata == {"n": names[0][-5:]}
    assert listed[0].size == len(names[0]) and listed[0].etag
    walked = [found.name for found in container.walk_blobs(f"{prefix}/", delimiter="/")]
    assert sorted(walked) == [f"{prefix}/a.txt", f"{prefix}/b/", f"{prefix}/c/"]
    pages = container.list_blobs(name_starts_with=f"{prefix}/", results_per_page=3).by_page()
    assert [len(list(page)) for page in pages] == [3, 1]


def test_absent(container, blob):
    with pytest.raises(ResourceNotFoundError) as caught:
        blob.download_blob()
    assert caught.value.error_code == "BlobNotFound"
    with pytest.raises(ResourceNotFoundError) as caught:
        blob.delete_blob()
    assert caught.value.error_code == "BlobNotFound"
    assert not container.get_blob_client("nor/this").exists()


def test_parallel_uploads(container):
    from concurrent.futures import ThreadPoolExecutor

    contents = {f"parallel/{number}": os.urandom(20_000) for number in range(64)}
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda item: container.upload_blob(*item), contents.items()))
        read = pool.map(lambda name: container.download_blob(name).readall(), contents)
    assert list(read) == list(contents.values())


def test_wrong_key(service, container):
    wrong = base64.b64encode(b"x" * 64).decode()
    stranger = reaching(
        service, container, {"account_name": service.account_name, "account_key": wrong}
    )
    with pytest.raises(ClientAuthenticationError) as caught:
        stranger.upload_blob("x", b"")
    assert (caught.value.status_code, caught.value.error_code) == (403, "AuthenticationFailed")


def test_no_credential(service, container):
    answer = requests.get(f"{service.url}{container.container_name}/x", timeout=30)
    assert answer.status_code in (401, 403, 404, 409)
    assert answer.headers["x-ms-error-code"] in (
        "NoAuthenticationInformation",
        "ResourceNotFound",
        "PublicAccessNotPermitted",
        "AuthenticationFailed",
    )


def test_sas_limits(service, container, blob):
    blob.upload_blob(b"seen")
    reader = reaching(service, container, container_sas(service, container, read=True))
    assert reader.download_blob(blob.blob_name).readall() == b"seen"
    with pytest.raises(HttpResponseError) as caught:
        reader.upload_blob("new", b"")
    assert (caught.value.status_code, caught.value.error_code) == (
        403,
        "AuthorizationPermissionMismatch",
    )
    sas = generate_blob_sas(
        service.account_name,
        container.container_name,
        blob.blob_name,
        account_key=service.credential.account_key,
        permission=BlobSasPermissions(read=True),
        expiry=until(10),
    )
    assert requests.get(f"{blob.url}?{sas}", timeout=30).content == b"seen"
    assert requests.get(f"{blob.url}x?{sas}", timeout=30).status_code == 403
    assert requests.get(f"{blob.url}?{sas}x", timeout=30).status_code == 403
    late = generate_blob_sas(
        service.account_name,
        container.container_name,
        blob.blob_name,
        account_key=service.credential.account_key,
        permission=BlobSasPermissions(read=True),
        expiry=until(-1),
    )
    answer = requests.get(f"{blob.url}?{late}", timeout=30)
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (403, "AuthenticationFailed")


def test_path_with_dots_stays_a_name(container):
    """A blob name is a name, not a path: what looks like one reaches no file of the server."""
    prepared = requests.Request("GET", f"{container.url}/a/../../../../etc/passwd").prepare()
    prepared.url = f"{container.url}/a/..%2F..%2F..%2Fetc/passwd"
    session = requests.Session()
    settings = session.merge_environment_settings(prepared.url, {}, None, None, None)
    answer = session.send(prepared, timeout=30, **settings)
    assert answer.status_code in (400, 401, 403, 404, 409)
    assert b"root:" not in answer.content


def test_known_but_absent_is_501(blob):
    with pytest.raises(HttpResponseError) as caught:
        blob.create_append_blob()
    assert caught.value.status_code == 501


def delegated(service, container, name, letters, minutes=10):
    """A blob client whose SAS is signed with the caller's own rights instead of the account's key."""
    bearer = BlobServiceClient(service.url, credential=DefaultAzureCredential())
    key = bearer.get_user_delegation_key(until(-5), until(minutes))
    sas = generate_blob_sas(
        service.account_name,
        container.container_name,
        name,
        user_delegation_key=key,
        permission=BlobSasPermissions.from_string(letters),
        expiry=until(60),
    )
    return reaching(service, container, sas).get_blob_client(name)


def test_a_user_delegation_sas_carries_its_owners_rights(service, container):
    name = unique("delegated")
    writer = delegated(service, container, name, "cw")
    writer.upload_blob(b"by delegation")
    with pytest.raises(HttpResponseError) as refused:
        writer.download_blob()
    assert refused.value.error_code == "AuthorizationPermissionMismatch"
    assert delegated(service, container, name, "r").download_blob().readall() == b"by delegation"


def test_a_user_delegation_sas_ends_with_its_key(service, container):
    name = unique("delegated")
    container.upload_blob(name, b"x")
    bearer = BlobServiceClient(service.url, credential=DefaultAzureCredential())
    key = bearer.get_user_delegation_key(until(-5), until(10))
    key.signed_expiry = (until(600)).strftime("%Y-%m-%dT%H:%M:%SZ")
    sas = generate_blob_sas(
        service.account_name,
        container.container_name,
        name,
        user_delegation_key=key,
        permission=BlobSasPermissions(read=True),
        expiry=until(60),
    )
    with pytest.raises(ClientAuthenticationError):
        reaching(service, container, sas).get_blob_client(name).download_blob()
