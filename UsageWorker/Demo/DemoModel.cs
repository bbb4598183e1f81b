namespace LlmAspire.UsageWorker.Demo;

/// <summary>A model that is called.</summary>
/// <param name="Provider">The one that serves the alias.</param>
/// <param name="Name">The provider's own name of the model.</param>
/// <param name="Weight">How much it is used.</param>
/// <param name="Plan">The rank of the plan that it needs: 0 is basic, 1 pro, 2 enterprise.</param>
/// <param name="Reasons">Part of its answers is reasoning, and its first token comes late.</param>
internal sealed record DemoModel(string Alias, string Provider, string Name, int Weight, int Plan = 0, bool Reasons = false)
{
    private const string PromptHelperAlias = "prompt-helper";

    /// <summary>The models of <c>litellm/config.yaml</c>; a test compares them.</summary>
    public static IReadOnlyList<DemoModel> All { get; } =
    [
        new("chat-default", "openai", "gpt-6-luna", 34),
        new("claude-default", "anthropic", "claude-sonnet-5-5", 24, Plan: 1),
        new("gemini-default", "gemini", "gemini-3.6-flash", 14),
        new("mistral-default", "mistral", "mistral-medium-latest", 8),
        new("fast-reasoning", "openai", "gpt-6-luna", 7, Plan: 1, Reasons: true),
        new("strong-reasoning", "openai", "gpt-6.1-sol", 6, Plan: 2, Reasons: true),
        new(PromptHelperAlias, "openai", "gpt-6-luna", 3),
    ];

    /// <summary>It writes system prompts, and does nothing else.</summary>
    public bool WritesPrompts => Alias == PromptHelperAlias;
}
