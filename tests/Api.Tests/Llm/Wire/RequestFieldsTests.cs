using System.Text;
using System.Text.Json.Nodes;
using LlmAspire.Api.Llm;

namespace LlmAspire.Api.Tests.Llm.Wire;

/// <summary>What may go to the gateway: the fields of OpenAI's chat completions, at every depth, and nothing else.</summary>
public sealed class RequestFieldsTests
{
    private static readonly Guid User = Guid.Parse("0195f000-0000-7000-8000-0000000000a1");

    /// <summary>A request with every field there is.</summary>
    private const string Whole = """
        {"model":"m","messages":[{"role":"developer","content":"a","name":"n"},{"role":"system","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}}]},
        {"role":"user","content":[{"type":"text","text":"a","prompt_cache_breakpoint":{"mode":"explicit"}},{"type":"image_url","image_url":{"url":"data:image\/png;base64,AAAA","detail":"low"}},
        {"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}},{"type":"file","file":{"file_data":"data:application/pdf;base64,AAAA","filename":"a.pdf"}},{"file":{"file_id":"file-a1"},"type":"file"}]},
        {"role":"assistant","content":null,"refusal":null,"reasoning_content":"so","audio":{"id":"a"},"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"2","type":"custom","custom":{"name":"c","input":"x"}}],
        "function_call":{"name":"f","arguments":"{}"}},{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]},{"role":"tool","tool_call_id":"1","content":"1"},{"role":"function","name":"f","content":"1","cache_control":{"type":"ephemeral"}}],
        "audio":{"voice":{"id":"v"},"format":"mp3"},"modalities":["text","audio"],"frequency_penalty":0.5,"presence_penalty":-1e0,"logit_bias":{"50256":-100},"logprobs":true,"top_logprobs":2,
        "max_completion_tokens":5,"metadata":{"order":"17"},"moderation":{"model":"omni","policy":{"input":{"mode":"score"},"output":{"mode":"block"}}},"n":2,"parallel_tool_calls":false,
        "prediction":{"type":"content","content":[{"type":"text","text":"a"}]},"prompt_cache_key":"k","prompt_cache_options":{"mode":"explicit","ttl":"30m"},"prompt_cache_retention":"24h","reasoning_effort":"low","verbosity":"low",
        "response_format":{"type":"json_schema","json_schema":{"name":"a","description":"d","strict":true,"schema":{"type":"object","extra_body":{"url":"http://localhost"},"$defs":{"x":[1,null]}}}},
        "safety_identifier":"s","seed":7,"service_tier":"auto","stop":["a","b"],"store":false,"temperature":1,"top_p":0.5,
        "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"mcp":1},"strict":null},"cache_control":{"type":"ephemeral"}},{"type":"custom","custom":{"name":"c","description":"d","format":{"type":"grammar","grammar":{"definition":"x","syntax":"lark"}}}}],
        "tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"f"}}]}},"functions":[{"name":"f","description":"d","parameters":{}}],"function_call":{"name":"f"},
        "web_search_options":{"search_context_size":"low","user_location":{"type":"approximate","approximate":{"city":"Oslo","country":"NO","region":"x","timezone":"Europe/Oslo"}}},"stream":null}
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Each is put behind a model and a message.</summary>
    public static TheoryData<string, string> RefusedAtTheTop
    {
        get
        {
            string[] names =
            [
                "extra_body", "extra_headers", "extra_query", "additional_drop_params", "drop_params", "allowed_openai_params", "fallbacks", "context_window_fallbacks",
                "content_policy_fallbacks", "disable_fallbacks", "model_list", "deployment_id", "specific_deployment", "custom_llm_provider", "api_base", "base_url",
                "api_key", "api_version", "organization", "headers", "num_retries", "max_retries", "timeout", "stream_timeout", "mock_response", "mock_tool_calls",
                "mock_testing_fallbacks", "litellm_params", "litellm_metadata", "litellm_call_id", "litellm_session_id", "litellm_credential_name", "no-log", "caching",
                "cache", "tags", "guardrails", "user_config", "router_settings_override", "input_cost_per_token", "proxy_server_request", "prompt_id", "prompt_variables",
                "aws_access_key_id", "aws_bedrock_runtime_endpoint", "aws_role_name", "vertex_credentials", "vertex_project", "azure_ad_token", "azure_password",
                "region_name", "watsonx_url", "callbacks", "success_callback", "failure_callback", "service_callback", "langfuse_host", "langfuse_secret_key",
                "langsmith_api_key", "posthog_api_url", "dd_api_key", "turn_off_message_logging", "ssl_verify", "client", "acompletion", "mcp_servers", "vector_store_ids", "thinking",
                "top_k", "messages_ex", "Model", "stream_", " model", "",
            ];
            var data = new TheoryData<string, string>();
            foreach (var name in names)
            {
                data.Add($"\"{name}\":{{}}", name);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(RefusedAtTheTop))]
    public async Task a_field_that_is_not_openais_is_refused_by_its_name(string field, string named) => await IsRefusedAsync(
        $$"""{"model":"m","messages":[{"role":"user","content":"hi"}],{{field}}}""", "unsupported_parameter", named);

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"hi","extra_body":{}}]}""", "messages[0].extra_body")]
    [InlineData("""{"messages":[{"role":"user","content":"hi"},{"role":"user","content":[{"type":"text","text":"a","foo":1}]}]}""", "messages[1].content[0].foo")]
    [InlineData("""{"messages":[{"role":"user","content":[{"text":"a","foo":1,"type":"text"}]}]}""", "messages[0].content[0].foo")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","format":"x"}}]}]}""", "messages[0].content[0].image_url.format")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"video_url","video_url":{"url":"https://a.example/a"}}]}]}""", "messages[0].content[0].type")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"text","text":"a","image_url":{"url":"https://a.example/a"}}]}]}""", "messages[0].content[0].image_url")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"file","file":{"file_data":"AAAA","format":"application/pdf"}}]}]}""", "messages[0].content[0].file.format")]
    [InlineData("""{"messages":[{"role":"user","content":"hi","reasoning_content":"so"}]}""", "messages[0].reasoning_content")]
    [InlineData("""{"messages":[{"content":"hi","tool_calls":[],"role":"user"}]}""", "messages[0].tool_calls")]
    [InlineData("""{"messages":[{"role":"robot","content":"hi"}]}""", "messages[0].role")]
    [InlineData("""{"messages":[{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"","url":"x"}}]}]}""", "messages[0].tool_calls[0].function.url")]
    [InlineData("""{"messages":[{"role":"user","content":"hi","cache_control":{"type":"ephemeral","scope":"all"}}]}""", "messages[0].cache_control.scope")]
    [InlineData("""{"tools":[{"type":"mcp","server_label":"x","server_url":"https://a.example"}]}""", "tools[0].type")]
    [InlineData("""{"tools":[{"server_url":"https://a.example","type":"mcp"}]}""", "tools[0].server_url")]
    [InlineData("""{"tools":[{"type":"function","function":{"name":"f"}},{"type":"web_search"}]}""", "tools[1].type")]
    [InlineData("""{"tools":[{"type":"web_search_preview"}]}""", "tools[0].type")]
    [InlineData("""{"tools":[{"type":"computer_20250124","name":"computer"}]}""", "tools[0].type")]
    [InlineData("""{"tools":[{"type":"code_interpreter","container":{"type":"auto"}}]}""", "tools[0].type")]
    [InlineData("""{"tools":[{"googleSearch":{}}]}""", "tools[0].googleSearch")]
    [InlineData("""{"tools":[{"type":"function","function":{"name":"f","api_base":"x"}}]}""", "tools[0].function.api_base")]
    [InlineData("""{"tools":[{"type":"function","custom":{"name":"f"}}]}""", "tools[0].custom")]
    [InlineData("""{"tool_choice":{"type":"mcp","server_label":"x"}}""", "tool_choice.type")]
    [InlineData("""{"stream":true,"stream_options":{"include_usage":true,"z":1}}""", "stream_options.z")]
    [InlineData("""{"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{},"x":1}}}""", "response_format.json_schema.x")]
    [InlineData("""{"response_format":{"type":"json_object","response_schema":{}}}""", "response_format.response_schema")]
    [InlineData("""{"prediction":{"type":"content","content":"a","x":1}}""", "prediction.x")]
    [InlineData("""{"audio":{"voice":{"id":"a","url":"x"},"format":"wav"}}""", "audio.voice.url")]
    [InlineData("""{"web_search_options":{"user_location":{"type":"approximate","approximate":{"city":"Oslo","street":"x"}}}}""", "web_search_options.user_location.approximate.street")]
    [InlineData("""{"metadata":{"tags":"free"}}""", "metadata.tags")]
    [InlineData("""{"metadata":{"a":"b","guardrails":"none"}}""", "metadata.guardrails")]
    [InlineData("""{"metadata":{"user_api_key_user_id":"admin"}}""", "metadata.user_api_key_user_id")]
    [InlineData("""{"metadata":{"spend_logs_metadata":"x"}}""", "metadata.spend_logs_metadata")]
    [InlineData("""{"metadata":{"langfuse_host":"x"}}""", "metadata.langfuse_host")]
    [InlineData("""{"metadata":{"user_id":"mallory"}}""", "metadata.user_id")]
    [InlineData("""{"functions":[{"name":"f","parameters":{},"strict":true}]}""", "functions[0].strict")]
    [InlineData("""{"m\u0065tadata":{"t\u0061gs":"free"}}""", "metadata.tags")]
    public async Task at_every_depth_what_is_not_openais_is_refused_by_its_path(string body, string named) => await IsRefusedAsync(body, "unsupported_parameter", named);

    [Theory]
    [InlineData("""{"temperature":{"extra_body":{}}}""", "temperature")]
    [InlineData("""{"stop":[["a"]]}""", "stop[0]")]
    [InlineData("""{"messages":{"role":"user"}}""", "messages")]
    [InlineData("""{"messages":["hi"]}""", "messages[0]")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":"https://a.example/a.png"}]}]}""", "messages[0].content[0].image_url")]
    [InlineData("""{"metadata":{"a":{"tags":["x"]}}}""", "metadata.a")]
    [InlineData("""{"metadata":{"a":["x"]}}""", "metadata.a")]
    [InlineData("""{"metadata":"{}"}""", "metadata")]
    [InlineData("""{"metadata":{"1":"","2":"","3":"","4":"","5":"","6":"","7":"","8":"","9":"","10":"","11":"","12":"","13":"","14":"","15":"","16":"","17":""}}""", "metadata")]
    [InlineData("""{"logit_bias":{"1":"2"}}""", "logit_bias.1")]
    [InlineData("""{"stream":1}""", "stream")]
    [InlineData("""{"n":"2"}""", "n")]
    [InlineData("""{"n":1e1}""", "n")]
    public async Task a_value_of_another_kind_is_refused_by_its_path(string body, string named) => await IsRefusedAsync(body, "invalid_value", named);

    [Theory]
    [InlineData("""{"messages":[{"content":"hi"}]}""", "messages[0].role")]
    [InlineData("""{"messages":[{"role":null,"content":"hi"}]}""", "messages[0].role")]
    [InlineData("""{"messages":[{"role":"user","content":[{"text":"hi"}]}]}""", "messages[0].content[0].type")]
    [InlineData("""{"tools":[{"function":{"name":"f"}}]}""", "tools[0].type")]
    public async Task what_a_thing_is_has_to_be_said(string body, string named) => await IsRefusedAsync(body, "missing_required_parameter", named);

    [Theory]
    [InlineData("""{"model":"a","model":"b"}""", "'model'")]
    [InlineData("""{"model":"a","mod\u0065l":"b"}""", "'model'")]
    [InlineData("""{"messages":[{"role":"user","content":"a","content":"b"}]}""", "'messages[0].content'")]
    [InlineData("""{"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"a":{},"b":{},"a":{}}}}}]}""", "'tools[0].function.parameters.properties.a'")]
    [InlineData("""{"metadata":{"a":"1","a":"2"}}""", "'metadata.a'")]
    [InlineData("""{"stream":true,"stream_options":{"include_usage":false,"include_usage":false}}""", "'stream_options.include_usage'")]
    public async Task a_doubled_name_is_said_with_its_place(string body, string named) => await IsRefusedAsync(body, "json_invalid", named);

    [Fact]
    public async Task all_fields_of_openais_pass_as_they_came()
    {
        var request = await ReadAsync(Whole.ReplaceLineEndings(""));

        Assert.Equal($"{Whole.ReplaceLineEndings("")[..^1]},\"user\":\"{User}\"}}", Encoding.UTF8.GetString(request.Body));
    }

    /// <summary>However deep, and whatever stands before it: only what goes to the model as it is takes other names.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task no_object_of_a_request_takes_another_field(bool first)
    {
        var count = Objects(JsonNode.Parse(Whole)!).Count();
        Assert.Equal(55, count);
        for (var i = 0; i < count; i++)
        {
            var request = JsonNode.Parse(Whole)!;
            var place = Objects(request).ElementAt(i);
            place.Insert(first ? 0 : place.Count, "other", 1);
            var path = $"{place.GetPath()}.other"[2..];

            await IsRefusedAsync(request.ToJsonString(), "unsupported_parameter", $"'{path}'");
        }

        static IEnumerable<JsonObject> Objects(JsonNode node) => node switch
        {
            JsonObject fields => fields.Where(field => field.Key is not ("schema" or "parameters" or "metadata" or "logit_bias") && field.Value is not null)
                .SelectMany(field => Objects(field.Value!)).Prepend(fields),
            JsonArray items => items.OfType<JsonNode>().SelectMany(Objects),
            _ => [],
        };
    }

    [Theory]
    [InlineData("""{"provider_specific_fields":{"refusal":null},"role":"assistant","content":"a"}""", """{"role":"assistant","content":"a"}""")]
    [InlineData("""{"role":"assistant", "annotations":[] ,"content":"a", "thinking_blocks":[{"type":"thinking"}] }""", """{"role":"assistant" ,"content":"a" }""")]
    [InlineData("""{"annotations":[],"images":[],"role":"assistant"}""", """{"role":"assistant"}""")]
    [InlineData("""{"role":"assistant","audio":{"id":"a","data":"AAAA","expires_at":1,"transcript":"t"},"tool_calls":[{"index":0,"id":"1","type":"function","function":{"name":"f","arguments":""},"provider_specific_fields":{}}]}""",
        """{"role":"assistant","audio":{"id":"a"},"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":""}}]}""")]
    public async Task what_only_an_answer_has_is_left_out_of_a_message_that_is_sent_back(string sent, string received)
    {
        var request = await ReadAsync($$"""{"messages":[{{sent}},{"role":"tool","tool_call_id":"1","content":"a"}],"max_tokens":1}""");

        Assert.Equal(
            $$"""{"messages":[{{received}},{"role":"tool","tool_call_id":"1","content":"a"}],"max_tokens":1,"user":"{{User}}"}""", Encoding.UTF8.GetString(request.Body));
        Assert.True(request.FollowsTools);
    }

    private static async Task IsRefusedAsync(string body, string code, string named)
    {
        var refused = await Assert.ThrowsAsync<CallRefusedException>(() => ReadAsync(body));

        Assert.Equal((400, code), (refused.Failure.Status, refused.Failure.Code));
        Assert.Contains(named, refused.Failure.Detail, StringComparison.Ordinal);
    }

    private static Task<ProviderRequest> ReadAsync(string body) =>
        ProviderRequest.ReadAsync(new StringContent(body, Encoding.UTF8, "application/json"), User, 8192, Token);
}
