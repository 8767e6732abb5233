//! The `OpenAPI` document, made from the table of routes and the types of its bodies.

mod bounds;
mod operation;

use utoipa::{
    OpenApi as _,
    openapi::{
        Components, OpenApi, Paths,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{
    http::{ErrorBody, Refusal},
    routes::{Caller, Content, ROUTES, Route},
};

/// Name of the security scheme of users.
const TOKEN: &str = "token";
/// Name of the security scheme of back ends.
const KEY: &str = "key";

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "clipwright",
    description = "Turns long talk videos into short captioned clips. Every path is also served without `/api`."
))]
struct Info;

/// The document of `GET /api/openapi.json`: every route but the worker's.
pub fn document() -> OpenApi {
    let mut document = Info::openapi();
    let mut components = Components::new();
    let mut paths = Paths::new();
    add_schema(&mut components, Content::of::<ErrorBody>());
    add_schema(&mut components, Content::of::<Refusal>());
    for route in ROUTES.iter().filter(|route| route.caller != Caller::Worker) {
        for content in [route.request, route.response.1].into_iter().flatten() {
            add_schema(&mut components, content);
        }
        let (method, operation) = operation::of(route);
        paths.add_path_operation(documented_path(route), vec![method], operation);
    }
    bounds::put_on(&mut components);
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT");
    let key = ApiKey::Header(ApiKeyValue::new("x-api-key"));
    components.add_security_scheme(TOKEN, SecurityScheme::Http(token.build()));
    components.add_security_scheme(KEY, SecurityScheme::ApiKey(key));
    document.components = Some(components);
    document.paths = paths;
    document
}

/// Back ends use the paths of the older worker API, which have no prefix.
fn documented_path(route: &Route) -> String {
    match route.caller {
        Caller::Service => route.path.to_owned(),
        _ => format!("/api{}", route.path),
    }
}

fn add_schema(components: &mut Components, content: Content) {
    if let Content::Schema {
        name,
        schema,
        referenced,
    } = content
    {
        let mut schemas = vec![(name().into_owned(), schema())];
        referenced(&mut schemas);
        components.schemas.extend(schemas);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_route_but_the_workers_is_documented() {
        let paths = json!(document())["paths"].take();
        for route in &ROUTES {
            let method = route.method.name().to_lowercase();
            let operation = &paths[documented_path(route)][method]["operationId"];
            let is_documented = *operation == json!(route.operation);
            assert_eq!(
                is_documented,
                route.caller != Caller::Worker,
                "{}",
                route.path
            );
        }
    }
}
