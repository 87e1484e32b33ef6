"""Words for what the nightly report's document says in codes."""

NOT_MEASURED = "not measured"
OUTCOMES = {"promoted": "Promoted", "refused": "Refused", "skipped": "Skipped"}
MODES = {
    "joint": "everybody was learnt again, from all photos",
    "merged": "the people of each site were learnt apart, and the rows put beside each other",
    "local": "the new people were learnt, together with those who look most like them",
    "rehearsal": "the new people were learnt, and a few photos of everybody else were repeated",
    "pseudo": "the new people were learnt; statistics stood in for everybody else's photos",
    "imprint": "nothing was trained: each person is the average of their photos",
}
STATES = {
    "before": "Before tonight",
    "imprint": "New people added, nothing trained",
    "challenger": "Trained tonight",
}
