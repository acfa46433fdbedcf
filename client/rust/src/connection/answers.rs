//! Detects whether an endpoint speaks gRPC or something else.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use http::{Request, Response, StatusCode, header::CONTENT_TYPE};
use tonic::body::Body;
use tonic::transport::Channel;
use tower::Service;

/// The kinds of responses that an endpoint has sent.
#[derive(Debug, Default)]
pub(super) struct Answers {
    grpc: AtomicBool,
    other: AtomicBool,
}

impl Answers {
    /// Records a response that a gRPC endpoint does not send: one in HTTP/1, or "not found" for the path of a call.
    pub(super) fn mark_other(&self) {
        self.other.store(true, Ordering::Release);
    }

    /// Whether the endpoint has answered, and never with gRPC. An endpoint that has once served gRPC is the right
    /// one, whatever a proxy in between answers later.
    pub(super) fn never_grpc(&self) -> bool {
        self.other.load(Ordering::Acquire) && !self.grpc.load(Ordering::Acquire)
    }

    fn look_at<B>(&self, response: &Response<B>) {
        let kind = response.headers().get(CONTENT_TYPE);
        if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc")) {
            if !self.grpc.load(Ordering::Relaxed) {
                self.grpc.store(true, Ordering::Release);
            }
        } else if response.status() == StatusCode::NOT_FOUND {
            // Other failures may come from a proxy whose server is down.
            self.mark_other();
        }
    }
}

/// A channel that inspects its responses.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    channel: Channel,
    answers: Arc<Answers>,
}

impl Watched {
    pub(super) fn new(channel: Channel, answers: Arc<Answers>) -> Self {
        Watched { channel, answers }
    }
}

impl Service<Request<Body>> for Watched {
    type Response = Response<Body>;
    type Error = tonic::transport::Error;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.channel.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Answering {
        Answering {
            answer: self.channel.call(request),
            answers: self.answers.clone(),
        }
    }
}

/// A pending response.
pub(crate) struct Answering {
    answer: tonic::transport::channel::ResponseFuture,
    answers: Arc<Answers>,
}

impl Future for Answering {
    type Output = Result<Response<Body>, tonic::transport::Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.answer).poll(context))?;
        self.answers.look_at(&answer);
        Poll::Ready(Ok(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, kind: &str) -> Response<()> {
        let answer = Response::builder().status(status).header(CONTENT_TYPE, kind);
        answer.body(()).unwrap()
    }

    #[test]
    fn a_port_that_has_nothing_under_the_path_of_a_call_is_not_one_of_grpc() {
        let answers = Answers::default();
        assert!(!answers.never_grpc(), "nothing is known yet");
        answers.look_at(&answer(503, "text/plain"));
        assert!(
            !answers.never_grpc(),
            "a proxy may answer like this while its server is down"
        );
        answers.look_at(&answer(404, "text/plain"));
        assert!(answers.never_grpc());
    }

    #[test]
    fn an_endpoint_that_has_once_served_grpc_stays_the_right_one() {
        let answers = Answers::default();
        answers.look_at(&answer(200, "application/grpc+proto"));
        answers.look_at(&answer(404, "text/html"));
        answers.mark_other();
        assert!(!answers.never_grpc());
    }
}
