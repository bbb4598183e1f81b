namespace LlmAspire.Api.Llm.Wire;

/// <summary>
/// What may go to the gateway: the fields of OpenAI's chat completions, as npm's <c>openai</c> 6.49 has them, and two more that LiteLLM hands to providers and
/// does not obey: <c>cache_control</c> (Anthropic's prompt cache) and <c>reasoning_content</c> (thinking that models want back). A newer field of OpenAI's is entered here.
/// </summary>
/// <remarks>
/// Left out is what only answers have: programs send an answer's message back as it came, as the examples of OpenAI's clients do, and LiteLLM's has more than OpenAI's.
/// <code>
/// {"role":"assistant","content":"Hi","annotations":[],"provider_specific_fields":{"refusal":null}}
/// </code>
/// </remarks>
/// <seealso href="https://platform.openai.com/docs/api-reference/chat/create"/>
internal static class RequestTable
{
    private const int MostMetadata = 16;

    private const int MostBiases = 1024;

    private static readonly RequestShape Text = new() { Scalars = RequestScalars.Text };
    private static readonly RequestShape Number = new() { Scalars = RequestScalars.Number };
    private static readonly RequestShape Flag = new() { Scalars = RequestScalars.Flag };
    private static readonly RequestShape Texts = new() { Items = Text };

    private static readonly RequestField CacheControl = Object("cache_control", Of("type"), Of("ttl"));

    private static readonly RequestShape Parts = new()
    {
        Items = new RequestShape
        {
            Fields = new RequestFields(
                Of("type"),
                Of("text"),
                Object("image_url", Of("url", Text with { Rule = RequestRule.Picture }), Of("detail")),
                Object("input_audio", Of("data", Text with { Rule = RequestRule.Bytes }), Of("format")),
                Object("file", Of("file_data", Text with { Rule = RequestRule.Bytes }), Of("file_id", Text with { Rule = RequestRule.FileId }), Of("filename")),
                Of("refusal"),
                CacheControl,
                Object("prompt_cache_breakpoint", Of("mode")))
                .By("type", isRequired: true, ("text", ["text"]), ("image_url", ["image_url"]), ("input_audio", ["input_audio"]), ("file", ["file"]), ("refusal", ["refusal"])),
        },
    };

    private static readonly RequestShape TextOrParts = Parts with { Scalars = RequestScalars.Text };

    private static readonly RequestField[] Call = [Of("name"), Of("arguments")];

    private static readonly RequestShape ToolCalls = new()
    {
        Items = new RequestShape
        {
            // The type may be missing: some providers do not say it, and clients send back what they got.
            Fields = new RequestFields(
                Of("id"), Of("type"), Object("function", Call), Object("custom", Of("name"), Of("input")), LeftOut("index"), LeftOut("provider_specific_fields"))
                .By("type", isRequired: false, ("function", ["function"]), ("custom", ["custom"])),
        },
    };

    private static readonly string[] OfAssistant =
    [
        "refusal", "audio", "tool_calls", "function_call", "reasoning_content", "annotations", "provider_specific_fields", "thinking_blocks", "images", "reasoning",
    ];

    private static readonly RequestShape Messages = new()
    {
        Items = new RequestShape
        {
            Fields = new RequestFields(
                Of("role", Text, RequestFact.Role),
                Of("content", TextOrParts),
                Of("name"),
                Of("tool_call_id"),
                Of("tool_calls", ToolCalls),
                Object("function_call", Call),
                Object("audio", Of("id"), LeftOut("data"), LeftOut("expires_at"), LeftOut("transcript")),
                Of("refusal"),
                Of("reasoning_content"),
                CacheControl,
                LeftOut("annotations"),
                LeftOut("provider_specific_fields"),
                LeftOut("thinking_blocks"),
                LeftOut("images"),
                LeftOut("reasoning"))
                .By("role", isRequired: true, ("developer", []), ("system", []), ("user", []), ("assistant", OfAssistant), ("tool", ["tool_call_id"]), ("function", [])),
        },
    };

    private static readonly RequestShape Tools = new()
    {
        Items = new RequestShape
        {
            Fields = new RequestFields(
                Of("type"),
                Object("function", Of("name"), Of("description"), Of("parameters", RequestShape.Free), Of("strict", Flag)),
                Object("custom", Of("name"), Of("description"), Object("format", Of("type"), Object("grammar", Of("definition"), Of("syntax")))),
                CacheControl)
                .By("type", isRequired: true, ("function", ["function"]), ("custom", ["custom"])),
        },
    };

    private static readonly RequestField[] NamedTool = [Of("type"), Object("function", Of("name")), Object("custom", Of("name"))];

    private static readonly RequestShape ToolChoice = new()
    {
        Scalars = RequestScalars.Text,
        Fields = new RequestFields(
            [
                .. NamedTool,
                Object("allowed_tools", Of("mode"), Of("tools", new RequestShape
                {
                    Items = new RequestShape { Fields = new RequestFields(NamedTool).By("type", isRequired: true, ("function", ["function"]), ("custom", ["custom"])) },
                })),
            ])
            .By("type", isRequired: true, ("function", ["function"]), ("custom", ["custom"]), ("allowed_tools", ["allowed_tools"])),
    };

    private static readonly RequestShape ResponseFormat = new()
    {
        Fields = new RequestFields(
            Of("type"), Object("json_schema", Of("name"), Of("description"), Of("schema", RequestShape.Free), Of("strict", Flag)))
            .By("type", isRequired: true, ("text", []), ("json_object", []), ("json_schema", ["json_schema"])),
    };

    private static readonly RequestField[] ModerationPolicy = [Object("input", Of("mode")), Object("output", Of("mode"))];

    private static readonly RequestField UserLocation =
        Object("user_location", Of("type"), Object("approximate", Of("city"), Of("country"), Of("region"), Of("timezone")));

    /// <summary>The whole request. The most frequent come first.</summary>
    public static RequestFields Root { get; } = new(
        Of("model", Text, RequestFact.Model),
        Of("messages", Messages, RequestFact.Messages),
        Of("stream", Flag, RequestFact.Stream),
        Object("stream_options", RequestFact.StreamOptions, Of("include_usage", Flag, RequestFact.IncludeUsage), Of("include_obfuscation", Flag, RequestFact.IncludeObfuscation)),
        Of("temperature", Number),
        Of("max_completion_tokens", Number, RequestFact.MaxCompletionTokens),
        Of("max_tokens", Number, RequestFact.MaxTokens),
        Of("tools", Tools),
        Of("tool_choice", ToolChoice),
        Of("parallel_tool_calls", Flag),
        Of("response_format", ResponseFormat),
        Of("reasoning_effort"),
        Of("verbosity"),
        Of("n", Number, RequestFact.Choices),
        Of("stop", Texts with { Scalars = RequestScalars.Text }),
        Of("top_p", Number),
        Of("frequency_penalty", Number),
        Of("presence_penalty", Number),
        Of("seed", Number),
        Of("logprobs", Flag),
        Of("top_logprobs", Number),
        Of("logit_bias", new RequestShape { Pairs = new RequestPairs(RequestScalars.Number, MostBiases) }),
        Of("user", Text, RequestFact.User),
        Of("safety_identifier"),
        Of("prompt_cache_key"),
        Of("prompt_cache_retention"),
        Object("prompt_cache_options", Of("mode"), Of("ttl")),
        Of("service_tier"),
        Of("store", Flag),
        Of("metadata", new RequestShape { Pairs = new RequestPairs(RequestScalars.Text, MostMetadata, RequestAdvice.IsSteeringMetadata) }),
        Of("modalities", Texts),
        Object("audio", Of("format"), Of("voice", new RequestShape { Scalars = RequestScalars.Text, Fields = new RequestFields(Of("id")) })),
        Object("prediction", Of("type"), Of("content", TextOrParts)),
        Object("web_search_options", Of("search_context_size"), UserLocation),
        Object("moderation", Of("model"), Object("policy", ModerationPolicy)),
        Of("functions", new RequestShape { Items = new RequestShape { Fields = new RequestFields(Of("name"), Of("description"), Of("parameters", RequestShape.Free)) } }),
        Of("function_call", new RequestShape { Scalars = RequestScalars.Text, Fields = new RequestFields(Of("name")) }));

    private static RequestField Of(string name) => new(name, Text);

    private static RequestField Of(string name, RequestShape shape, RequestFact fact = RequestFact.None) => new(name, shape, fact);

    private static RequestField Object(string name, params RequestField[] fields) => new(name, new RequestShape { Fields = new RequestFields(fields) });

    private static RequestField Object(string name, RequestFact fact, params RequestField[] fields) => new(name, new RequestShape { Fields = new RequestFields(fields) }, fact);

    private static RequestField LeftOut(string name) => new(name, RequestShape.Free, IsLeftOut: true);
}
