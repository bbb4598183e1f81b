namespace LlmAspire.Web.Api;

/// <summary>Codes of problems that <see cref="ApiClient"/> states itself, because the Api did not.</summary>
public static class ProblemCodes
{
    /// <summary>No connection to the Api, or no answer in time.</summary>
    public const string Unreachable = "api_unreachable";

    /// <summary>The stream of an answer ended without <c>done</c> or <c>error</c>.</summary>
    public const string BrokenStream = "stream_broken";

    /// <summary>The Api's bytes are not what its contract says.</summary>
    public const string Malformed = "answer_malformed";

    /// <summary>The Api's own: it is up, the gateway behind it is not yet.</summary>
    public const string GatewayStarting = "gateway_starting";

    /// <summary>The Api's own: the process that made an answer is gone.</summary>
    public const string Interrupted = "run_interrupted";

    /// <summary>The Api's own: no such conversation, or somebody else's.</summary>
    public const string ConversationUnknown = "conversation_unknown";

    /// <summary>The Api's own: somebody else saved another version of a prompt.</summary>
    public const string PromptChanged = "prompt_changed";
}
