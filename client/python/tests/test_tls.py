"""TLS: the options reach the transport. The server is a fake, because Annals servers do not support TLS yet."""

import grpc
import grpc.aio
import pytest
import trustme

from annals import AsyncClient, Tls, errors
from annals._rpc import SERVICE
from annals.v1 import event_store_pb2 as pb


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


async def serve(authority: trustme.CA, *, ask_client: bool) -> tuple[grpc.aio.Server, int]:
    certificate = authority.issue_cert("localhost")
    pair = (certificate.private_key_pem.bytes(), b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    credentials = grpc.ssl_server_credentials(
        [pair], authority.cert_pem.bytes() if ask_client else None, require_client_auth=ask_client
    )

    async def info(request: pb.GetServerInfoRequest, context: object) -> pb.GetServerInfoResponse:
        return pb.GetServerInfoResponse(store_id="01a1fda7-ded8-76f4-a19b-7a7216b9f4cf", engine="fake")

    handler = grpc.unary_unary_rpc_method_handler(
        info, pb.GetServerInfoRequest.FromString, pb.GetServerInfoResponse.SerializeToString
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"GetServerInfo": handler}),))
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    return server, port


async def test_a_server_is_trusted_by_its_authority(authority: trustme.CA) -> None:
    server, port = await serve(authority, ask_client=False)
    tls = Tls(ca=authority.cert_pem.bytes(), server_name="localhost")
    async with AsyncClient(f"https://127.0.0.1:{port}", tls=tls) as client:
        assert (await client.server_info()).engine == "fake"
    stranger = Tls(ca=trustme.CA().cert_pem.bytes(), server_name="localhost")
    async with AsyncClient(f"https://127.0.0.1:{port}", tls=stranger, timeout=1) as client:
        with pytest.raises(errors.TransientError):
            await client.server_info()
    await server.stop(None)


async def test_a_client_shows_its_certificate(authority: trustme.CA) -> None:
    server, port = await serve(authority, ask_client=True)
    own = authority.issue_cert("client")
    tls = Tls(
        ca=authority.cert_pem.bytes(),
        certificate=own.cert_chain_pems[0].bytes(),
        private_key=own.private_key_pem.bytes(),
        server_name="localhost",
    )
    async with AsyncClient(f"https://127.0.0.1:{port}", tls=tls) as client:
        assert (await client.server_info()).engine == "fake"
    await server.stop(None)


def test_tls_options_without_tls_are_a_mistake() -> None:
    with pytest.raises(errors.InvalidEndpoint):
        AsyncClient("http://127.0.0.1:2113", tls=Tls())
