//! Routes calls of the event store's service past tonic's router.
//!
//! A server has a few services, and nearly every call is for one of them. For each call, tonic's router (axum's)
//! boxes the bodies of request and response again, clones the service and looks up the path. This layer only compares
//! the beginning of the path, and passes calls of other services to the router.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use futures::future::Either;
use http::{Request, Response};
use tonic::{body::Body, server::NamedService};
use tower::{Layer, Service};

/// Puts a service in front of a router.
#[derive(Clone, Debug)]
pub(super) struct DirectLayer<D>(pub D);

/// A service, and a router for the calls of all other services.
#[derive(Clone, Debug)]
pub(super) struct Direct<D, R> {
    direct: D,
    router: R,
}

impl<D: Clone, R> Layer<R> for DirectLayer<D> {
    type Service = Direct<D, R>;

    fn layer(&self, router: R) -> Direct<D, R> {
        Direct {
            direct: self.0.clone(),
            router,
        }
    }
}

/// Whether a call with this path is for the service.
fn is_for<D: NamedService>(path: &str) -> bool {
    path.strip_prefix('/')
        .and_then(|path| path.strip_prefix(D::NAME))
        .is_some_and(|method| method.starts_with('/'))
}

impl<D, R> Service<Request<Body>> for Direct<D, R>
where
    D: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + NamedService,
    R: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<D::Future, R::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The service itself is always ready.
        self.router.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if is_for::<D>(request.uri().path()) {
            Either::Left(self.direct.call(request))
        } else {
            Either::Right(self.router.call(request))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_for;

    struct Named;

    impl tonic::server::NamedService for Named {
        const NAME: &'static str = "annals.v1.EventStoreService";
    }

    #[test]
    fn a_path_is_of_the_service_if_its_whole_name_is() {
        assert!(is_for::<Named>("/annals.v1.EventStoreService/Append"));
        assert!(is_for::<Named>("/annals.v1.EventStoreService/"));
        for other in [
            "",
            "/",
            "/annals.v1.EventStoreService",
            "/annals.v1.EventStoreServices/Append",
            "annals.v1.EventStoreService/Append",
            "/grpc.health.v1.Health/Check",
        ] {
            assert!(!is_for::<Named>(other), "{other:?}");
        }
    }
}
