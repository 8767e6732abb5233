//! The description of one route. Which errors it may answer follows from its columns.

use domain::limits::MAX_IDEMPOTENCY_KEY_CHARS;
use utoipa::openapi::{
    ContentBuilder, HttpMethod, KnownFormat, ObjectBuilder, Ref, RefOr, Required, Response,
    ResponseBuilder, Schema, SchemaFormat, SecurityRequirement, Type,
    header::Header,
    path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
    request_body::{RequestBody, RequestBodyBuilder},
    schema::SchemaType,
};

use super::{KEY, TOKEN};
use crate::{
    http::{ErrorBody, Refusal},
    routes::{Caller, Content, Method, QueryParameter, Route},
};

pub(super) fn of(route: &Route) -> (HttpMethod, Operation) {
    let method = match route.method {
        Method::Get => HttpMethod::Get,
        Method::Post => HttpMethod::Post,
        Method::Put => HttpMethod::Put,
        Method::Delete => HttpMethod::Delete,
    };
    let mut operation = OperationBuilder::new()
        .operation_id(Some(route.operation))
        .tags(Some([""; 0]))
        .request_body(route.request.map(request_body))
        .response(route.response.0.to_string(), success(route));
    for (status, content) in errors(route) {
        operation = operation.response(status.to_string(), response(Some(content)));
    }
    for parameter in parameters(route) {
        operation = operation.parameter(parameter);
    }
    let scheme = match route.caller {
        Caller::User => Some(TOKEN),
        Caller::Service => Some(KEY),
        Caller::Worker | Caller::Anyone => None,
    };
    if let Some(scheme) = scheme {
        operation = operation.security(SecurityRequirement::new::<_, [&str; 0], _>(scheme, []));
    }
    (method, operation.build())
}

/// Statuses of errors with their bodies. API Gateway itself answers a token that it rejects.
fn errors(route: &Route) -> Vec<(u16, Content)> {
    let unauthorized = match route.caller {
        Caller::User => Content::of::<Refusal>(),
        Caller::Service => Content::of::<ErrorBody>(),
        Caller::Worker | Caller::Anyone => return Vec::new(),
    };
    let has_body = route.request.is_some();
    let others = [
        (404, route.path_parameter().is_some()),
        (409, route.may_conflict),
        (413, has_body),
        (422, has_body || !route.query.is_empty()),
        (429, true),
        (503, true),
    ];
    let others = others.into_iter().filter(|(_, is_valid)| *is_valid);
    let others = others.map(|(status, _)| (status, Content::of::<ErrorBody>()));
    [(401, unauthorized)].into_iter().chain(others).collect()
}

fn success(route: &Route) -> Response {
    let mut response = response(route.response.1);
    if route.has_idempotency_key {
        response
            .headers
            .insert("location".to_owned(), Header::default().into());
    }
    response
}

fn response(content: Option<Content>) -> Response {
    let response = ResponseBuilder::new();
    match content {
        Some(content) => response.content("application/json", json(content)).build(),
        None => response.build(),
    }
}

fn request_body(content: Content) -> RequestBody {
    let description = match content {
        Content::Object(description) => description,
        Content::Schema { .. } => None,
    };
    RequestBodyBuilder::new()
        .description(description)
        .required(Some(Required::True))
        .content("application/json", json(content))
        .build()
}

fn json(content: Content) -> utoipa::openapi::Content {
    let schema: RefOr<Schema> = match content {
        Content::Schema { name, .. } => Ref::from_schema_name(name()).into(),
        Content::Object(_) => ObjectBuilder::new().into(),
    };
    ContentBuilder::new().schema(Some(schema)).build()
}

fn parameters(route: &Route) -> impl Iterator<Item = Parameter> {
    let path = route.path_parameter().map(path_parameter);
    let key = route.has_idempotency_key.then(idempotency_key);
    let query = route.query.iter().map(query_parameter);
    path.into_iter().chain(key).chain(query)
}

fn path_parameter(name: &str) -> Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String);
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(text))
        .build()
}

fn idempotency_key() -> Parameter {
    let key = ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .pattern(Some("^[!-~]+$"))
        .min_length(Some(1))
        .max_length(Some(MAX_IDEMPOTENCY_KEY_CHARS));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "a repeated request with the same key and body returns the same job",
        ))
        .schema(Some(key))
        .build()
}

fn query_parameter(parameter: &QueryParameter) -> Parameter {
    let schema = match parameter.range {
        None => ObjectBuilder::new().schema_type(Type::String),
        Some((least, greatest)) => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(least))
            .maximum(Some(greatest)),
    };
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(parameter.description))
        .schema(Some(schema))
        .build()
}
