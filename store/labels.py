"""Whose each searchable template is, both ways."""

from collections.abc import Collection, Iterable, KeysView, Mapping


class Labels:
    """Template id -> the active subject that answers for it."""

    def __init__(self, of: Mapping[int, str] | None = None) -> None:
        self._subject: dict[int, str] = {}
        self._templates: dict[str, list[int]] = {}
        self.add((of or {}).items())

    def __len__(self) -> int:
        return len(self._subject)

    def __getitem__(self, template_id: int) -> str:
        return self._subject[template_id]

    @property
    def ids(self) -> Collection[int]:
        return self._subject.keys()

    @property
    def subject_ids(self) -> KeysView[str]:
        """Those who have any."""
        return self._templates.keys()

    def of(self, subject_id: str) -> list[int]:
        """The subject's template ids, in no order."""
        return self._templates.get(subject_id, [])

    def add(self, labels: Iterable[tuple[int, str]]) -> None:
        for template_id, subject_id in labels:
            self._subject[template_id] = subject_id
            self._templates.setdefault(subject_id, []).append(template_id)

    def drop(self, subject_ids: Iterable[str]) -> list[int]:
        """Forget whose these are; returns their template ids."""
        gone = [i for s in subject_ids for i in self._templates.pop(s, ())]
        for template_id in gone:
            del self._subject[template_id]
        return gone
