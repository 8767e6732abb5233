import unittest

import adapt

URI = {"Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Submit.Arn}/invocations"}
INTEGRATION = {"x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": URI, "payloadFormatVersion": "2.0"}}
JWT = {"type": "jwt", "identitySource": "$request.header.Authorization", "jwtConfiguration": {"issuer": {"Ref": "JwtIssuer"}, "audience": ["a"]}}


def http_api(**more):
    body = {
        "info": {"title": "jobs"},
        "paths": {"/jobs": {"post": INTEGRATION | {"security": [{"User": []}]}, "get": INTEGRATION}, "/documented": {"get": {}}},
        "components": {"securitySchemes": {"User": {"type": "oauth2", "x-amazon-apigateway-authorizer": JWT}}},
    }
    return {"Resources": {"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Body": body | more, "FailOnWarnings": True}}}}


def container(**more):
    task = {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [{"Name": "worker", **more}]}}
    return {"Resources": {"Task": task}}


class HttpApi(unittest.TestCase):
    def expanded(self, **more):
        template = http_api(**more)
        adapt.expand_http_apis(template)
        return template

    def routes(self, template):
        return {properties["RouteKey"]: properties for _, properties in adapt.of_type(template, "AWS::ApiGatewayV2::Route")}

    def test_each_path_and_method_becomes_a_route_with_its_integration(self):
        template = self.expanded()
        routes = self.routes(template)
        self.assertEqual({"POST /jobs", "GET /jobs"}, set(routes))
        integrations = dict(adapt.of_type(template, "AWS::ApiGatewayV2::Integration"))
        self.assertEqual(1, len(integrations))
        name, integration = integrations.popitem()
        self.assertEqual(URI, integration["IntegrationUri"])
        self.assertEqual({"Fn::Sub": f"integrations/${{{name}}}"}, routes["POST /jobs"]["Target"])

    def test_only_a_route_with_security_asks_for_a_token(self):
        template = self.expanded()
        routes = self.routes(template)
        self.assertEqual("JWT", routes["POST /jobs"]["AuthorizationType"])
        self.assertNotIn("AuthorizationType", routes["GET /jobs"])
        ((name, authorizer),) = adapt.of_type(template, "AWS::ApiGatewayV2::Authorizer")
        self.assertEqual({"Ref": name}, routes["POST /jobs"]["AuthorizerId"])
        self.assertEqual({"Issuer": {"Ref": "JwtIssuer"}, "Audience": ["a"]}, authorizer["JwtConfiguration"])

    def test_security_of_the_whole_api_holds_for_routes_without_their_own(self):
        self.assertEqual("JWT", self.routes(self.expanded(security=[{"User": []}]))["GET /jobs"]["AuthorizationType"])

    def test_the_body_is_gone_and_the_id_known_beforehand(self):
        api = self.expanded()["Resources"]["Api"]["Properties"]
        self.assertNotIn("Body", api)
        self.assertEqual(adapt.HTTP_API_ID, api["Tags"]["ms-custom-id"])

    def test_an_api_without_a_body_is_left_alone(self):
        template = {"Resources": {"Socket": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "WEBSOCKET"}}}}
        adapt.expand_http_apis(template)
        self.assertEqual({"Socket"}, set(template["Resources"]))


class Rest(unittest.TestCase):
    def test_only_the_host_of_the_events_address_is_replaced(self):
        for before, after in [
            ({"Fn::Sub": "https://${Api}-${Vpce}.execute-api.${AWS::Region}.amazonaws.com/${Stage}"}, {"Fn::Sub": "http://127.0.0.1:1/${Stage}"}),
            ({"Fn::Sub": ["https://${Api}.amazonaws.com/v1", {"Api": "x"}]}, {"Fn::Sub": ["http://127.0.0.1:1/v1", {"Api": "x"}]}),
            ("https://example.com/v1", "http://127.0.0.1:1/v1"),
        ]:
            template = container(Environment=[{"Name": "API_BASE_URL", "Value": before}, {"Name": "OTHER", "Value": "https://example.com/"}])
            adapt.send_events_to(template, "http://127.0.0.1:1")
            variables = template["Resources"]["Task"]["Properties"]["ContainerDefinitions"][0]["Environment"]
            self.assertEqual([after, "https://example.com/"], [variable["Value"] for variable in variables])

    def test_a_generated_secret_has_no_punctuation(self):
        for before, excluded in [({"ExcludePunctuation": True, "ExcludeCharacters": "x"}, True), ({"PasswordLength": 3}, False)]:
            template = {"Resources": {"Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"GenerateSecretString": dict(before)}}}}
            adapt.generate_without_punctuation(template)
            settings = template["Resources"]["Secret"]["Properties"]["GenerateSecretString"]
            self.assertEqual(excluded, "/" in settings.get("ExcludeCharacters", ""))

    def test_secrets_of_a_container_are_spelled_as_ecs_does(self):
        template = container(Secrets=[{"Name": "WEBHOOK_SECRET", "ValueFrom": "arn"}])
        adapt.spell_secrets_as_ecs_does(template)
        spelled = template["Resources"]["Task"]["Properties"]["ContainerDefinitions"][0]["Secrets"]
        self.assertEqual([{"name": "WEBHOOK_SECRET", "valueFrom": "arn"}], spelled)

    def test_the_bucket_is_reached_without_tls_and_keeps_its_other_rules(self):
        tls = {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
        other = {"Effect": "Deny", "Action": "s3:DeleteBucket"}
        for statements, left in [([tls], None), ([tls, other], [other])]:
            policy = {"Type": "AWS::S3::BucketPolicy", "Properties": {"PolicyDocument": {"Statement": statements}}}
            template = {"Resources": {"Policy": policy}}
            adapt.allow_plain_http(template)
            self.assertEqual({"Policy"} if left else set(), set(template["Resources"]))
            if left:
                self.assertEqual(left, policy["Properties"]["PolicyDocument"]["Statement"])

    def test_a_reference_to_a_secret_is_its_arn(self):
        secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {}}
        template = {"Resources": {"Key": secret}, "A": {"Ref": "Key"}, "B": {"Fn::Sub": "${Key}:current::"}, "C": {"Ref": "Keyhole"}}
        changed = adapt.refer_to_secrets_by_arn(template)
        self.assertEqual({"Fn::GetAtt": ["Key", "Id"]}, changed["A"])
        self.assertEqual({"Fn::Sub": "${Key.Id}:current::"}, changed["B"])
        self.assertEqual({"Ref": "Keyhole"}, changed["C"])

    def test_the_nat_gateway_goes_and_what_leads_to_it(self):
        routes = {name: {"Type": "AWS::EC2::Route", "Properties": {key: {"Ref": to}}} for name, key, to in (("Out", "NatGatewayId", "Nat"), ("Up", "GatewayId", "Net"))}
        template = {"Resources": {"Nat": {"Type": "AWS::EC2::NatGateway"}, "Address": {"Type": "AWS::EC2::EIP"}, "Net": {"Type": "AWS::EC2::InternetGateway"}} | routes}
        adapt.drop_nat(template)
        self.assertEqual({"Net", "Up"}, set(template["Resources"]))

    def test_code_is_looked_for_where_it_is_uploaded(self):
        function = {"Type": "AWS::Serverless::Function", "Metadata": {"BuildProperties": {"Binary": "submit-job"}}, "Properties": {"CodeUri": "."}}
        source = {"Resources": {"Submit": function}}
        adapt.point_code_to_bucket(source)
        self.assertEqual(f"s3://{adapt.CODE_BUCKET}/submit-job.zip", function["Properties"]["CodeUri"])


if __name__ == "__main__":
    unittest.main()
