"""What a chart on a page is sent, read back."""

import json
from typing import Any

from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest


def charts(at: AppTest) -> list[dict[str, Any]]:
    """The charts' descriptions, each layer (or the only one) with its rows under "rows"."""
    return [_chart(element.proto) for element in at.get("vega_lite_chart")]


def _chart(proto: Any) -> dict[str, Any]:
    spec = json.loads(proto.spec)
    sent = {dataset.name: dataset.data.data for dataset in proto.datasets}
    for layer in spec.get("layer", [spec]):
        layer["rows"] = _rows(sent[layer["data"]["name"]])
    return spec


def _rows(content: bytes) -> list[dict[str, Any]]:
    return convert_arrow_bytes_to_pandas_df(content).to_dict("records")
