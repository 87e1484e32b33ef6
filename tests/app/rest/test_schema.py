"""Everything that OpenAPI allows, asked by Schemathesis: no 5xx, nothing that is undocumented."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from starlette.applications import Starlette

from app.rest.api import mounted
from app.rest.pace import Pace
from enrollment.api_keys import SCOPES
from enrollment.service import Service
from tests.app.rest.test_scopes import MATRIX

EXAMPLES = 60  # of each operation
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("method", "path"), list(MATRIX), ids=str)
def test_every_answer_is_documented(
    service: Service, person: Callable, method: str, path: str
) -> None:
    import schemathesis  # half a second, for the other tests too

    list(service.enroll([person(1), person(2)], "agreed"))
    service.warm()
    schema = schemathesis.openapi.from_asgi(
        "/api/openapi.json", Starlette(routes=[mounted(service, Pace(1e6, 1e6))])
    )
    _, secret = service.api_keys.add("schemathesis", SCOPES)
    asked = 0

    @given(case=schema[path][method].as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: schemathesis.Case) -> None:
        nonlocal asked
        asked += 1
        case.call_and_validate(
            headers={"Authorization": f"Bearer {secret}"},
            timeout=300,  # seconds: a night, on a loaded machine
        )

    ask()
    assert asked > 0
