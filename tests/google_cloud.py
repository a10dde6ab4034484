"""What Google's library needs to believe it is in Google's cloud, with a simulator as its token endpoint."""

import json
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@cache
def _private_key() -> str:
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def service_account(folder: Path, url: str, name: str = "account.json") -> Path:
    """The file of a service account whose tokens are made at this simulator."""
    file = folder / name
    account = {
        "type": "service_account",
        "project_id": "acme",
        "private_key_id": "1",
        "private_key": _private_key(),
        "client_email": "simulated@acme.iam.gserviceaccount.com",
        "token_uri": f"{url}/token",
    }
    file.write_text(json.dumps(account))
    return file


def workload_identity(folder: Path, url: str) -> Path:
    """The file of a workload identity, as a Kubernetes cluster outside of Google's cloud has it."""
    (folder / "subject").write_text("a token of the cluster's own")
    file = folder / "workload.json"
    workload = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{url}/v1/token",
        "credential_source": {"file": str(folder / "subject")},
    }
    file.write_text(json.dumps(workload))
    return file


def on_a_machine_of_google_s(url: str) -> dict[str, str]:
    """The environment in which this simulator is the machine's metadata server."""
    host = url.removeprefix("http://")
    return {"GCE_METADATA_HOST": host, "GCE_METADATA_IP": host}
