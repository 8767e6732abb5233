//! One row of the table: its columns, and how a row is written.

use std::borrow::Cow;

use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

use super::Endpoint;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    pub(crate) method: Method,
    /// Without the prefix `/api`.
    pub(crate) path: &'static str,
    pub(crate) endpoint: Endpoint,
    pub(crate) caller: Caller,
    /// `operationId` of the `OpenAPI` document.
    pub(crate) operation: &'static str,
    pub(crate) request: Option<Content>,
    /// Status of a success, and its body.
    pub(crate) response: (u16, Option<Content>),
    pub(crate) query: &'static [QueryParameter],
    pub(crate) has_idempotency_key: bool,
    pub(crate) may_conflict: bool,
    #[expect(
        dead_code,
        reason = "the template sets it; tests/template compares the two"
    )]
    throttling: Option<(u32, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Delete,
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A user, by a token that API Gateway has checked.
    User,
    /// A back end, by its key.
    Service,
    /// The worker, by a signature over the body; through the private API alone.
    Worker,
    Anyone,
}

/// The JSON of a body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content {
    /// A type with a schema in the `OpenAPI` document.
    Schema {
        name: fn() -> Cow<'static, str>,
        schema: fn() -> RefOr<Schema>,
        /// Adds the schemas that it refers to.
        referenced: fn(&mut Vec<(String, RefOr<Schema>)>),
    },
    /// Any object, with what it is.
    Object(Option<&'static str>),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct QueryParameter {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    /// Least and greatest value of a number; none for a text.
    pub(crate) range: Option<(usize, usize)>,
}

pub(super) const STATUS: QueryParameter = QueryParameter {
    name: "status",
    description: "`queued`, `running`, `succeeded`, `failed` or `canceled`",
    range: None,
};
pub(super) const LIMIT: QueryParameter = QueryParameter {
    name: "limit",
    description: "jobs per page, 20 if absent",
    range: Some((1, domain::limits::MAX_PAGE_ITEMS)),
};
pub(super) const CURSOR: QueryParameter = QueryParameter {
    name: "cursor",
    description: "`nextCursor` of the previous page",
    range: None,
};

macro_rules! methods {
    ($($name:ident $method:ident $status:literal),*) => {
        $(pub(super) const fn $name(
            path: &'static str,
            endpoint: Endpoint,
            caller: Caller,
            operation: &'static str,
        ) -> Route {
            Route {
                method: Method::$method,
                path,
                endpoint,
                caller,
                operation,
                request: None,
                response: ($status, None),
                query: &[],
                has_idempotency_key: false,
                may_conflict: false,
                throttling: None,
            }
        })*
    };
}

methods!(get Get 204, post Post 204, put Put 204, delete Delete 204);

impl Route {
    /// Takes a body of this type.
    pub(super) const fn accepts<T: ToSchema>(self) -> Self {
        Self {
            request: Some(Content::of::<T>()),
            ..self
        }
    }

    pub(super) const fn accepts_object(self, description: &'static str) -> Self {
        Self {
            request: Some(Content::Object(Some(description))),
            ..self
        }
    }

    /// Answers a success with this status and a body of this type; without it, with 204 and no body.
    pub(super) const fn returns<T: ToSchema>(self, status: u16) -> Self {
        Self {
            response: (status, Some(Content::of::<T>())),
            ..self
        }
    }

    pub(super) const fn returns_object(self, status: u16) -> Self {
        Self {
            response: (status, Some(Content::Object(None))),
            ..self
        }
    }

    pub(super) const fn with_query(self, query: &'static [QueryParameter]) -> Self {
        Self { query, ..self }
    }

    pub(super) const fn with_idempotency_key(self) -> Self {
        Self {
            has_idempotency_key: true,
            ..self
        }
    }

    /// May answer 409.
    pub(super) const fn may_conflict(self) -> Self {
        Self {
            may_conflict: true,
            ..self
        }
    }

    /// Is throttled by API Gateway to this many requests of all callers a second and at once, instead of to the default of the API.
    pub(super) const fn throttled(self, rate: u32, burst: u32) -> Self {
        Self {
            throttling: Some((rate, burst)),
            ..self
        }
    }

    /// Name of the parameter in the path, if there is one.
    pub(crate) fn path_parameter(&self) -> Option<&'static str> {
        let (_, rest) = self.path.split_once('{')?;
        rest.split('}').next()
    }
}

impl Method {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

impl Content {
    pub(crate) const fn of<T: ToSchema>() -> Self {
        Self::Schema {
            name: T::name,
            schema: T::schema,
            referenced: T::schemas,
        }
    }
}
