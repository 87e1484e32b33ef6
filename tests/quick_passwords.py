"""argon2id with the least work, for tests that sign in hundreds of times."""

from argon2 import PasswordHasher

from enrollment.password import Passwords


class QuickPasswords(Passwords):
    def __init__(self) -> None:
        super().__init__()
        self._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
