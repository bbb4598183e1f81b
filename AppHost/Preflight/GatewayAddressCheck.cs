using LlmAspire.AppHost.Gateway;
using LlmAspire.AppHost.Stack;

namespace LlmAspire.AppHost.Preflight;

/// <summary>Asks whether anything answers where the user's own gateway is said to be.</summary>
internal static class GatewayAddressCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Why the gateway cannot be reached, and what to do; null when it answers, whatever it answers.</summary>
    public static async Task<string?> FindErrorAsync(IDistributedApplicationBuilder builder, StackChoice stack, CancellationToken cancellationToken)
    {
        if (stack.Gateway != GatewayKind.External)
        {
            return null;
        }

        var setting = builder.Configuration["LLM_BASE_URL"];
        if (!Uri.TryCreate(setting, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            return $"LLM_BASE_URL is '{setting}', which is no address. Write one like http://localhost:4000, or leave it empty: then a gateway is started.";
        }

        if (!builder.Configuration.Has("LLM_API_KEY"))
        {
            return "LLM_BASE_URL is set, but LLM_API_KEY is not. Set it to the key of that gateway (to any word, if it asks for none), or leave both empty: then a gateway is started.";
        }

        using var client = new HttpClient { Timeout = Patience };
        try
        {
            using var answer = await client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return null;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            var why = exception is HttpRequestException ? exception.Message.TrimEnd('.') : $"no answer within {Patience.TotalSeconds:0} s";
            return $"Nothing answers at LLM_BASE_URL, {setting} ({why}). Start that gateway first, or leave LLM_BASE_URL empty: then a gateway is started.";
        }
    }
}
