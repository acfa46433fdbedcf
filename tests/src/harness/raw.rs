//! Sends raw bytes, which no generated client would send.

use std::collections::HashMap;

use bytes::{Buf, BufMut, Bytes};
use http_body_util::{BodyExt, Full};
use tonic::{
    Request, Status, Streaming,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Channel,
};

/// The service's name as it appears in paths.
pub const SERVICE: &str = "annals.v1.EventStoreService";

/// The methods of the service.
pub const METHODS: [&str; 23] = [
    "AppendToStream",
    "AppendToMany",
    "AppendPipeline",
    "ReadStream",
    "ReadAll",
    "SubscribeAll",
    "SubscribeStream",
    "GetStream",
    "ListStreams",
    "GetPositionAtTime",
    "SaveSnapshot",
    "LoadSnapshot",
    "SetRetention",
    "GetRetention",
    "SetPrefixRetention",
    "GetPrefixRetention",
    "ListPrefixRetentions",
    "DeleteStream",
    "TombstoneStream",
    "StartScavenge",
    "StopScavenge",
    "GetScavenge",
    "GetServerInfo",
];

/// Sends one message with any content, and returns the stream of responses. A unary call returns one.
///
/// # Errors
/// The status with which the server refuses it before its first response.
pub async fn call(channel: &Channel, method: &str, message: Bytes) -> Result<Streaming<Bytes>, Status> {
    call_of(channel, SERVICE, method, message).await
}

/// Like [`call`], for a method of another service.
///
/// # Errors
/// Those of [`call`].
pub async fn call_of(
    channel: &Channel,
    service: &str,
    method: &str,
    message: Bytes,
) -> Result<Streaming<Bytes>, Status> {
    let mut grpc = Grpc::new(channel.clone()).max_decoding_message_size(64 << 20);
    grpc.ready()
        .await
        .map_err(|error| Status::unavailable(error.to_string()))?;
    let path = format!("/{service}/{method}")
        .parse()
        .expect("a method's name makes a path");
    // Sent as a stream of one request, which is identical to a unary request on the wire.
    let request = Request::new(tokio_stream::once(message));
    grpc.streaming(request, path, AsBytes)
        .await
        .map(tonic::Response::into_inner)
}

/// The response to a raw body.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers and trailers.
    pub headers: HashMap<String, String>,
}

impl Answer {
    /// The gRPC code, if there is one.
    #[must_use]
    pub fn grpc_code(&self) -> Option<tonic::Code> {
        self.headers
            .get("grpc-status")
            .map(|code| tonic::Code::from_bytes(code.as_bytes()))
    }
}

/// Posts a body unchanged, framed or not, to a path, and waits for the complete response.
///
/// # Errors
/// If the connection breaks.
pub async fn post(channel: &Channel, path: &str, content_type: &str, body: Bytes) -> Result<Answer, String> {
    use std::future::poll_fn;

    let mut channel = channel.clone();
    let request = http::Request::post(path)
        .header("content-type", content_type)
        .header("te", "trailers")
        .body(tonic::body::Body::new(
            Full::new(body).map_err(|never| match never {}),
        ))
        .map_err(|error| error.to_string())?;
    let ready =
        poll_fn(|context| tonic::client::GrpcService::<tonic::body::Body>::poll_ready(&mut channel, context));
    ready.await.map_err(|error| error.to_string())?;
    let answer = tonic::client::GrpcService::call(&mut channel, request)
        .await
        .map_err(|error| error.to_string())?;
    let (head, body) = answer.into_parts();
    let collected = body.collect().await.map_err(|error| error.to_string())?;
    let mut headers = HashMap::new();
    let trailers = collected.trailers().cloned().unwrap_or_default();
    for (name, value) in head.headers.iter().chain(&trailers) {
        headers.insert(
            name.to_string(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        );
    }
    Ok(Answer {
        status: head.status.as_u16(),
        headers,
    })
}

/// Adds the five-byte prefix of gRPC to a message.
#[must_use]
pub fn framed(message: &[u8]) -> Vec<u8> {
    let mut frame = vec![0];
    let length = u32::try_from(message.len()).expect("test messages are small");
    frame.put_u32(length);
    frame.extend_from_slice(message);
    frame
}

#[derive(Clone, Copy, Debug)]
struct AsBytes;

impl Codec for AsBytes {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for AsBytes {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buf.put(item);
        Ok(())
    }
}

impl Decoder for AsBytes {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buf.copy_to_bytes(buf.remaining())))
    }
}
