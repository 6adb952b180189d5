# SPDX-License-Identifier: Apache-2.0
"""Data, models, environments and components: versions, labels, archive, immutability."""

import pytest
from azure.ai.ml import load_component
from azure.ai.ml.constants import AssetTypes
from azure.ai.ml.entities import Data, Environment, Model
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from harness import unique, write_tree

COMPONENT = """
$schema: https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json
name: {name}
display_name: Greets
type: command
inputs:
  who:
    type: string
    default: world
  times:
    type: number
    default: 2
outputs:
  greeting:
    type: uri_file
code: ./src
environment:
  image: mcr.microsoft.com/azureml/minimal-ubuntu22.04-py311-cpu-inference
command: python main.py --who ${{{{inputs.who}}}} --out ${{{{outputs.greeting}}}}
"""


def test_data_file(client, tmp_path):
    name = unique("file")
    path = write_tree(tmp_path, {"rows.csv": "a,b\n1,2\n"}) / "rows.csv"
    created = client.data.create_or_update(
        Data(name=name, version="1", type=AssetTypes.URI_FILE, path=str(path), tags={"k": "v"})
    )
    assert created.path.endswith("/rows.csv")
    read = client.data.get(name, version="1")
    assert (read.path, read.type, read.tags) == (created.path, "uri_file", {"k": "v"})
    assert read.creation_context.created_at


def test_data_versions_and_latest(client, tmp_path):
    name = unique("folder")
    for number in range(1, 4):
        folder = write_tree(
            tmp_path / str(number), {"tree/é x.txt": f"v{number}", "tree/empty": ""}
        )
        data = client.data.create_or_update(
            Data(name=name, type=AssetTypes.URI_FOLDER, path=str(folder / "tree"))
        )
        assert data.version == str(number)
    assert client.data.get(name, label="latest").version == "3"
    assert {data.version for data in client.data.list(name=name)} == {"1", "2", "3"}
    assert name in [data.name for data in client.data.list()]


def test_data_archive(client, tmp_path):
    name = unique("archived")
    path = write_tree(tmp_path, {"x.txt": "x"}) / "x.txt"
    client.data.create_or_update(Data(name=name, version="1", type="uri_file", path=str(path)))
    client.data.archive(name=name, version="1")
    assert [data.version for data in client.data.list(name=name)] == []
    client.data.restore(name=name, version="1")
    assert [data.version for data in client.data.list(name=name)] == ["1"]


def test_data_version_is_immutable(client, tmp_path):
    name = unique("immutable")
    files = write_tree(tmp_path, {"a.txt": "a", "b.txt": "b"})
    first = Data(name=name, version="1", type="uri_file", path=str(files / "a.txt"))
    kept = client.data.create_or_update(first).path
    with pytest.raises(Exception, match="cannot be updated|cannot change"):
        client.data.create_or_update(
            Data(name=name, version="1", type="uri_file", path=str(files / "b.txt"))
        )
    assert client.data.get(name, version="1").path == kept
    changed = client.data.get(name, version="1")
    changed.description = "now described"
    client.data.create_or_update(changed)
    assert client.data.get(name, version="1").description == "now described"


def test_same_bytes_are_uploaded_once(client, tmp_path):
    path = write_tree(tmp_path, {"same.txt": unique("content")}) / "same.txt"
    first = client.data.create_or_update(Data(name=unique("one"), type="uri_file", path=str(path)))
    again = client.data.create_or_update(Data(name=unique("two"), type="uri_file", path=str(path)))
    assert first.path == again.path


def test_absent_data(client):
    with pytest.raises(ResourceNotFoundError) as caught:
        client.data.get("no-such-data", version="1")
    assert "no-such-data" in str(caught.value)


def test_path_with_dots_is_refused(client, arm):
    answer = arm(
        "PUT",
        "/data/dots/versions/1",
        json={
            "properties": {
                "dataType": "uri_file",
                "dataUri": "azureml://datastores/workspaceblobstore/paths/a/../../../etc/passwd",
            }
        },
    )
    assert answer.status_code == 400
    assert ".." in answer.json()["error"]["message"]


def test_model(client, tmp_path):
    name = unique("model")
    folder = (
        write_tree(tmp_path, {"m/weights.bin": b"\x00\x01" * 1000, "m/sub/notes.txt": "n"}) / "m"
    )
    for number in ("1", "2"):
        model = client.models.create_or_update(
            Model(name=name, type=AssetTypes.CUSTOM_MODEL, path=str(folder), tags={"n": number})
        )
        assert model.version == number
    assert client.models.get(name, label="latest").tags == {"n": "2"}
    assert {model.version for model in client.models.list(name=name)} == {"1", "2"}
    client.models.download(name, version="1", download_path=str(tmp_path / "down"))
    files = [path for path in (tmp_path / "down").rglob("*") if path.is_file()]
    assert {path.name: path.stat().st_size for path in files} == {
        "weights.bin": 2000,
        "notes.txt": 1,
    }
    client.models.archive(name=name, version="1")
    assert [model.version for model in client.models.list(name=name)] == ["2"]


def test_environment_versions(client):
    name = unique("environment")
    conda = {"name": "x", "dependencies": ["python=3.11", {"pip": ["idna==3.20"]}]}
    first = client.environments.create_or_update(
        Environment(name=name, image="ubuntu:22.04", conda_file=conda)
    )
    same = client.environments.create_or_update(
        Environment(name=name, image="ubuntu:22.04", conda_file=conda)
    )
    assert (first.version, same.version) == ("1", "1")
    conda["dependencies"][1]["pip"] = ["idna==3.19"]
    other = client.environments.create_or_update(
        Environment(name=name, image="ubuntu:22.04", conda_file=conda)
    )
    assert other.version == "2"
    assert client.environments.get(name, version="1").conda_file["dependencies"][1] == {
        "pip": ["idna==3.20"]
    }
    assert client.environments.get(name, label="latest").version == "2"
    assert {entry.version for entry in client.environments.list(name=name)} == {"1", "2"}


def test_component(client, tmp_path):
    name = unique("greet").replace("-", "_")
    write_tree(tmp_path, {"src/main.py": "print('hi')\n", "c.yml": COMPONENT.format(name=name)})
    created = client.components.create_or_update(load_component(tmp_path / "c.yml"))
    assert created.version
    read = client.components.get(name, version=created.version)
    assert read.display_name == "Greets"
    assert read.inputs["times"]["type"] == "number"
    assert client.components.get(name).version == created.version  # asks for azureml_default
    assert name in [component.name for component in client.components.list()]
    client.components.archive(name=name, version=created.version)
    client.components.restore(name=name, version=created.version)


def test_component_version_is_immutable(client, tmp_path):
    name = unique("fixed").replace("-", "_")
    text = COMPONENT.format(name=name) + "version: '1'\n"
    write_tree(tmp_path, {"src/main.py": "print('hi')\n", "c.yml": text})
    client.components.create_or_update(load_component(tmp_path / "c.yml"))
    write_tree(tmp_path, {"c.yml": text.replace("python main.py", "python -u main.py")})
    with pytest.raises(HttpResponseError):
        client.components.create_or_update(load_component(tmp_path / "c.yml"))


def test_code_is_uploaded_once(client, tmp_path):
    from azure.ai.ml.entities._assets import Code

    write_tree(tmp_path, {"src/main.py": f"print({unique('c')!r})\n"})
    first = client._code.create_or_update(Code(path=str(tmp_path / "src")))
    again = client._code.create_or_update(Code(path=str(tmp_path / "src")))
    assert again.id == first.id
