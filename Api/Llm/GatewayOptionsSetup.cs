using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Llm;

/// <summary>Reads <see cref="GatewayOptions"/> from configuration and says at start what is wrong with them.</summary>
internal sealed class GatewayOptionsSetup(IConfiguration configuration) : IConfigureOptions<GatewayOptions>, IValidateOptions<GatewayOptions>
{
    public void Configure(GatewayOptions options)
    {
        configuration.GetSection(GatewayOptions.Section).Bind(options);
        options.BaseUrl = Read("LLM_BASE_URL") ?? options.BaseUrl;
        options.ApiKey = Read("LLM_API_KEY") ?? options.ApiKey;
        options.ChatModel = Read("LLM_MODEL_CHAT") ?? options.ChatModel;
        options.PromptModel = Read("LLM_MODEL_PROMPT_GEN") ?? options.PromptModel;
    }

    public ValidateOptionsResult Validate(string? name, GatewayOptions options)
    {
        var failures = new List<string>();
        if (options.BaseUrl.Length == 0)
        {
            failures.Add("LLM_BASE_URL is not set. Set it to the gateway's address, for example http://localhost:4000, "
                + "or start the whole stack with: dotnet run --project AppHost");
        }
        else if (!Uri.TryCreate(options.BaseUrl, UriKind.Absolute, out var url)
            || url.Scheme is not ("http" or "https") || url.Query.Length > 0 || url.Fragment.Length > 0)
        {
            failures.Add($"LLM_BASE_URL is '{options.BaseUrl}', which is not an address of the form http://host:port or https://host/v1.");
        }

        if (options.ApiKey.Length == 0)
        {
            failures.Add("LLM_API_KEY is not set. Set it to the gateway's key; a gateway without keys takes any value.");
        }

        if (options.MaxOutputTokens < 1)
        {
            failures.Add($"Gateway:MaxOutputTokens is {options.MaxOutputTokens}; it must be at least 1.");
        }

        foreach (var (setting, value) in new[]
        {
            (nameof(options.ConnectTimeout), options.ConnectTimeout),
            (nameof(options.AnswerTimeout), options.AnswerTimeout),
            (nameof(options.ProbeTimeout), options.ProbeTimeout),
            (nameof(options.CatalogRefresh), options.CatalogRefresh),
        })
        {
            if (value <= TimeSpan.Zero)
            {
                failures.Add($"Gateway:{setting} is {value}; it must be longer than zero.");
            }
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private string? Read(string key) => configuration[key]?.Trim() is { Length: > 0 } value ? value : null;
}
