# SPDX-License-Identifier: Apache-2.0
"""Online endpoints with ONNX models: deploy, traffic, keys, invoke, logs, what can go wrong."""

import json
import math

import pytest
import requests
from azure.ai.ml.entities import ManagedOnlineDeployment, ManagedOnlineEndpoint, Model
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

import onnx_models
from harness import unique


def deploy(client, endpoint, name, model):
    return client.online_deployments.begin_create_or_update(
        ManagedOnlineDeployment(
            name=name,
            endpoint_name=endpoint,
            model=model,
            instance_type="Standard_DS3_v2",
            instance_count=1,
        )
    ).result()


@pytest.fixture(scope="module")
def endpoint(client, tmp_path_factory):
    """An endpoint with `blue` (sum times 2, all traffic) and `green` (sum times 3)."""
    folder = tmp_path_factory.mktemp("models")
    made = client.online_endpoints.begin_create_or_update(
        ManagedOnlineEndpoint(name=unique("sums"), auth_mode="key", tags={"k": "v"})
    ).result()
    registered = client.models.create_or_update(
        Model(name=unique("twice"), path=str(onnx_models.scaled_sum(folder / "twice.onnx", 2)))
    )
    deploy(client, made.name, "blue", f"azureml:{registered.name}:{registered.version}")
    onnx_models.scaled_sum(folder / "thrice" / "model.onnx", 3)
    deploy(client, made.name, "green", Model(path=str(folder / "thrice")))
    set_traffic(client, made.name, {"blue": 100})
    yield client.online_endpoints.get(made.name)
    client.online_endpoints.begin_delete(made.name).result()
    with pytest.raises(ResourceNotFoundError):
        client.online_endpoints.get(made.name)


def set_traffic(client, name, traffic):
    endpoint = client.online_endpoints.get(name)
    endpoint.traffic = traffic
    client.online_endpoints.begin_create_or_update(endpoint).result()


def score(client, endpoint, rows, key=None, **headers):
    key = key or client.online_endpoints.get_keys(endpoint.name).primary_key
    return requests.post(
        endpoint.scoring_uri,
        json={"input_data": rows},
        headers={"Authorization": f"Bearer {key}", **headers},
        timeout=60,
    )


def totals(answer):
    assert answer.status_code == 200, answer.text
    return [row[0] for row in answer.json()["total"]]


def test_endpoint_reads_back(client, endpoint):
    assert endpoint.scoring_uri.startswith("https://") and endpoint.scoring_uri.endswith("/score")
    assert endpoint.provisioning_state == "Succeeded"
    assert endpoint.auth_mode == "key"
    assert endpoint.tags["k"] == "v"
    # The client itself adds the deployments without traffic.
    assert endpoint.traffic == {"blue": 100, "green": 0}
    assert endpoint.name in [entry.name for entry in client.online_endpoints.list()]
    names = {entry.name for entry in client.online_deployments.list(endpoint.name)}
    assert names == {"blue", "green"}
    blue = client.online_deployments.get("blue", endpoint.name)
    assert blue.provisioning_state == "Succeeded"
    assert (blue.instance_type, blue.instance_count) == ("Standard_DS3_v2", 1)


def test_invoke(client, endpoint, tmp_path):
    request = tmp_path / "request.json"
    request.write_text(json.dumps({"input_data": [[1, 2, 3], [0.5, 0, 0]]}))
    answer = client.online_endpoints.invoke(endpoint.name, request_file=str(request))
    assert json.loads(answer)["total"] == [[12.0], [1.0]]


def test_traffic_and_pinned_deployment(client, endpoint):
    pinned = score(client, endpoint, [[1, 1, 1]], **{"azureml-model-deployment": "green"})
    assert totals(pinned) == [9.0]
    set_traffic(client, endpoint.name, {"blue": 50, "green": 50})
    seen = {totals(score(client, endpoint, [[1, 1, 1]]))[0] for _ in range(40)}
    assert seen == {6.0, 9.0}
    set_traffic(client, endpoint.name, {"blue": 100})
    seen = {totals(score(client, endpoint, [[1, 1, 1]]))[0] for _ in range(20)}
    assert seen == {6.0}
    unknown = score(client, endpoint, [[1, 1, 1]], **{"azureml-model-deployment": "purple"})
    assert unknown.status_code == 404
    assert "azureml-model-deployment" in unknown.text


def test_answer_headers(client, endpoint):
    answer = score(client, endpoint, [[1, 1, 1]], **{"x-ms-client-request-id": "mine"})
    assert answer.headers["x-ms-client-request-id"] == "mine"
    assert answer.headers["x-request-id"]
    assert answer.headers["content-type"].startswith("application/json")


def test_keys(client, endpoint):
    keys = client.online_endpoints.get_keys(endpoint.name)
    assert keys.primary_key != keys.secondary_key
    assert totals(score(client, endpoint, [[1, 1, 1]], key=keys.secondary_key)) == [6.0]
    client.online_endpoints.begin_regenerate_keys(endpoint.name, key_type="primary").result()
    fresh = client.online_endpoints.get_keys(endpoint.name)
    assert fresh.primary_key != keys.primary_key
    assert fresh.secondary_key == keys.secondary_key
    assert score(client, endpoint, [[1, 1, 1]], key=keys.primary_key).status_code == 401
    assert totals(score(client, endpoint, [[1, 1, 1]], key=fresh.primary_key)) == [6.0]


def test_without_and_with_wrong_key(client, endpoint):
    assert requests.post(endpoint.scoring_uri, json={}, timeout=30).status_code == 401
    assert score(client, endpoint, [[1, 1, 1]], key="wrong").status_code == 401


@pytest.mark.parametrize(
    "body",
    ['{"input_data": [[1, 2', '{"input_data": [[1, 2]]}', "{}", '{"input_data": [["x", 1, 2]]}'],
)
def test_bad_request_names_the_cause(client, endpoint, body):
    """Azure hands a model's refusal on as 424 and keeps the status it gave in a header."""
    key = client.online_endpoints.get_keys(endpoint.name).primary_key
    answer = requests.post(
        endpoint.scoring_uri,
        data=body,
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        timeout=30,
    )
    assert answer.status_code == 424, answer.text
    assert answer.headers["ms-azureml-model-error-statuscode"] == "400"
    assert len(answer.text) > 10


def test_deployment_logs(client, endpoint):
    text = client.online_deployments.get_logs("blue", endpoint.name, lines=50)
    assert text.strip()


def test_zipmap_output(client, endpoint, tmp_path):
    path = onnx_models.classifier_with_zipmap(tmp_path / "m" / "zipmap.onnx")
    deploy(client, endpoint.name, "zipmap", Model(path=str(path)))
    answer = score(client, endpoint, [[0, 1], [3, 1]], **{"azureml-model-deployment": "zipmap"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["output_label"] == [20, 10]
    first = answer.json()["output_probability"][0]
    assert math.isclose(first["20"], 1 / (1 + math.exp(-1)), abs_tol=1e-6)
    client.online_deployments.begin_delete("zipmap", endpoint.name).result()
    with pytest.raises(ResourceNotFoundError):
        client.online_deployments.get("zipmap", endpoint.name)


def test_broken_model_fails_with_the_reason(client, endpoint, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"this is no protobuf at all" * 20)
    with pytest.raises(HttpResponseError) as caught:
        deploy(client, endpoint.name, "broken", Model(path=str(path)))
    assert "onnx" in str(caught.value).lower()
    assert totals(score(client, endpoint, [[1, 1, 1]])) == [6.0]


def test_deployment_of_an_absent_model(client, endpoint):
    with pytest.raises(Exception, match="no-such-model"):
        deploy(client, endpoint.name, "absent", "azureml:no-such-model:1")


def test_deployment_with_a_script_is_said_to_be_absent(arm, endpoint):
    answer = arm(
        "PUT",
        f"/onlineEndpoints/{endpoint.name}/deployments/scripted",
        json={
            "location": endpoint.location,
            "sku": {"name": "Default", "capacity": 1},
            "properties": {
                "endpointComputeType": "Managed",
                "instanceType": "Standard_DS3_v2",
                "codeConfiguration": {"codeId": "x", "scoringScript": "score.py"},
            },
        },
    )
    assert answer.status_code in (400, 501), answer.text
    assert "scor" in answer.json()["error"]["message"].lower()


def test_traffic_to_an_absent_deployment_is_refused(client, endpoint):
    with pytest.raises(HttpResponseError, match="nobody"):
        set_traffic(client, endpoint.name, {"nobody": 100})


def test_no_traffic_is_404(client, tmp_path):
    made = client.online_endpoints.begin_create_or_update(
        ManagedOnlineEndpoint(name=unique("idle"), auth_mode="key")
    ).result()
    assert score(client, made, [[1, 1, 1]]).status_code == 404
    client.online_endpoints.begin_delete(made.name).result()
