# SPDX-License-Identifier: Apache-2.0
"""The other side of the comparison: the same model behind FastAPI, with the same key check. Runs in the environment
`bench` under uvicorn, which gets the model's path and the key from the environment."""
import hmac
import os

import numpy
import onnxruntime
from fastapi import FastAPI, Header, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel

KEY = "Bearer " + os.environ["BENCH_KEY"]


class Request(BaseModel):
    input_data: list[list[float]]


def open_session():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(os.environ["BENCH_MODEL"], options, providers=["CPUExecutionProvider"])


app = FastAPI()
session = open_session()


@app.post("/score")
async def score(request: Request, authorization: str = Header("")):
    if not hmac.compare_digest(authorization, KEY):
        raise HTTPException(401, "wrong key")
    rows = numpy.asarray(request.input_data, dtype=numpy.float32)
    return JSONResponse({"probabilities": session.run(None, {"input": rows})[0].tolist()})
