"""What runs: the one list that the shop is started from and the manifests are rendered from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    name: str
    version: str
    replicas: int
    memory_mib: int
    peers: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    stateful: bool = False
    budget: bool = True


# In the order of starting: a service comes after its peers.
SERVICES = [
    Service("coupons", "1.2.0", replicas=1, memory_mib=128),
    Service("payments", "3.0.2", replicas=2, memory_mib=256),
    Service("inventory", "2.4.0", replicas=2, memory_mib=256, databases=("stock-db",)),
    Service("orders", "2.1.5", replicas=1, memory_mib=512, databases=("orders-db",), stateful=True),
    Service("reporting", "0.9.1", replicas=1, memory_mib=256, databases=("orders-db",)),
    # An experiment that stayed.
    Service("fraud-ml", "0.3.1", replicas=1, memory_mib=256, budget=False),
    Service(
        "checkout",
        "1.4.2",
        replicas=3,
        memory_mib=384,
        peers=("inventory", "fraud-ml", "payments", "orders"),
    ),
    Service("web", "5.2.0", replicas=2, memory_mib=256, peers=("checkout", "inventory")),
]
