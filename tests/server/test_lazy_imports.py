"""Packages that are loaded when they are asked for: what is there then, and what is not before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.processes import ROOT, environment

pytestmark = pytest.mark.slow

START = """
import sys
from mockbackend.server.lazy_imports import defer, fill

defer({"shop": ("Customer", "NoStock", "door", "sell"), "shop.prices": (), "shop.desk": ("Desk",)})
defer({"absent": ("Anything",), "absent.too": ()})
"""
SHOP = """
import shop.prices
from shop.prices import PRICE

class NoStock(Exception):
    pass

class Customer:
    def __init__(self, name="nobody"):
        self.name = name

    @classmethod
    def known(cls):
        return cls("Ann")

def sell():
    raise NoStock(PRICE)

import shop.till

print("opened", end=" ")
"""
BUYER = """
from shop import Customer, NoStock, sell as buy

def try_to_buy():
    try:
        buy()
    except NoStock as error:
        return f"none for {error}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a package `shop`, which prints when it is loaded, and a module that imports of it."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text(SHOP)
    (tmp_path / "shop" / "prices.py").write_text("PRICE = 3\n")
    (tmp_path / "shop" / "desk.py").write_text("from . import prices, sell\n\nclass Desk:\n    price = prices.PRICE\n")
    (tmp_path / "shop" / "till.py").write_text("print('till', end=' ')\nfrom . import Customer\n")
    (tmp_path / "shop" / "door.py").write_text("")
    (tmp_path / "buyer.py").write_text(BUYER)
    return tmp_path


def run(program: str, folder: Path) -> str:
    """What a process of its own prints, since what is imported stays imported."""
    command = [sys.executable, "-c", START + program]
    env = environment({"PYTHONPATH": str(ROOT)})
    ended = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@pytest.mark.parametrize(
    ("program", "printed"),
    [
        ("import shop; print('no')", "no"),
        ("from shop import Customer, sell; print('no')", "no"),
        ("import shop.prices; print('no')", "no"),
        (
            "import shop.till; print(sys.modules['shop.till'] is shop.till, shop.till.__spec__.origin[-7:])",
            "till opened True till.py",
        ),
        ("import shop.door; print('no')", "no"),
        ("from shop import door; print(door.__name__)", "shop.door"),
        (
            "from shop import Customer, door; print(isinstance(1, Customer), door.__name__)",
            "till opened False shop.door",
        ),
        ("import shop; print(shop.Customer.__module__, 'Customer')", "shop Customer"),
        ("import shop; print(hasattr(shop, 'PRICE'), hasattr(shop, 'Nothing'))", "till opened True False"),
        ("from shop import PRICE; print(PRICE)", "till opened 3"),
        ("from shop import Customer; print(Customer('Bo').name)", "till opened Bo"),
        ("from shop import Customer; print(Customer.known().name)", "till opened Ann"),
        (
            "import shop; held = shop; fill('shop'); print(held is sys.modules['shop'], held.prices.PRICE)",
            "till opened True 3",
        ),
        ("fill('shop'); import shop; print('no')", "no"),
        ("from shop.desk import Desk; print('no')", "no"),
        ("from shop.desk import Desk; print(Desk.price)", "till opened 3"),
        (
            "from shop import sell; held = sys.getrefcount(globals())\nfor _ in range(9):\n    from shop import sell\n"
            "print(sys.getrefcount(globals()) - held)",
            "0",
        ),
    ],
)
def test_a_package_is_loaded_once_it_is_asked_for_something(program: str, printed: str, folder: Path) -> None:
    assert run(program, folder) == printed


@pytest.mark.parametrize(
    ("program", "printed"),
    [
        (
            "print(isinstance('Bo', Customer), issubclass(str, Customer), issubclass(Customer, Customer))",
            "False False True",
        ),
        ("print(isinstance(Customer(), Customer))", "till opened True"),
        ("import shop; one = shop.Customer('Bo'); print(isinstance(one, Customer))", "till opened True"),
        (
            "class Good(Customer):\n    def __init__(self):\n        super().__init__('Bo')\nprint(Good().name)",
            "till opened Bo",
        ),
        ("print(Good := type('Good', (Customer, dict), {}).__mro__[1].__module__)", "till opened shop"),
        ("print(len((str | Customer).__args__), len(list[Customer].__args__))", "2 1"),
    ],
)
def test_a_class_that_stands_in_is_used_like_what_it_stands_for(program: str, printed: str, folder: Path) -> None:
    assert run(f"from shop import Customer\n{program}", folder) == printed


def test_an_exception_is_caught_by_whoever_imported_its_stand_in(folder: Path) -> None:
    assert run("import buyer; print(buyer.try_to_buy(), buyer.NoStock.__mro__[1].__name__)", folder) == (
        "till opened none for 3 Exception"
    )


def test_what_stands_in_is_replaced_wherever_it_was_imported(folder: Path) -> None:
    program = """
from shop import Customer
import buyer

fill("shop")
import shop
print(Customer is shop.Customer, buyer.Customer is shop.Customer, buyer.buy is shop.sell)
"""
    assert run(program, folder) == "till opened True True True"


def test_threads_that_ask_at_once_all_get_it_whole(folder: Path) -> None:
    program = """
import threading
import shop

(lambda path: path.write_text("import time; time.sleep(0.2)\\n" + path.read_text()))(
    __import__("pathlib").Path("shop/prices.py")
)
found = []
asked = [threading.Thread(target=lambda: found.append(shop.Customer("Bo").name)) for _ in range(8)]
for one in asked: one.start()
for one in asked: one.join()
print(*found)
"""
    assert run(program, folder) == "till opened" + " Bo" * 8


def test_a_package_that_fails_to_load_says_so_each_time(folder: Path) -> None:
    program = """
import pathlib
import shop

path = pathlib.Path("shop/prices.py")
path.write_text("1 / 0\\n")
for _ in range(2):
    try:
        shop.Customer()
    except ZeroDivisionError:
        print("failed")
path.write_text("PRICE = 12\\n")
print(shop.Customer().name)
"""
    assert run(program, folder).split() == ["failed", "failed", "till", "opened", "nobody"]


def test_what_is_not_installed_or_loaded_already_stays_so(folder: Path) -> None:
    program = """
import json

before = json
defer({"json": ("dumps",)})
assert sys.modules["json"] is before and json.dumps(1) == "1"
for name in ("absent", "absent.too"):
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        print(error.name)
"""
    assert run(program, folder).split() == ["absent", "absent"]
