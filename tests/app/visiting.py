"""A visit of somebody who reads English."""

from app.language import Language
from app.tasks import Tasks
from app.visit import Visit
from enrollment.service import Service


def visit(service: Service) -> Visit:
    return Visit(service, Language(), Tasks())
