namespace LlmAspire.Web.Api;

/// <summary>Configuration section <c>Api</c>: where programs outside find the Api.</summary>
public sealed class ApiAddressOptions
{
    public const string Section = "Api";

    /// <summary>Its address from outside, without <c>/v1</c>; null when nobody has said it: a deployment shows only the front end to the world.</summary>
    public Uri? PublicUrl { get; set; }

    /// <summary>What OpenAI clients take as their base URL.</summary>
    public string? OpenAIBaseUrl => PublicUrl is null ? null : $"{PublicUrl.ToString().TrimEnd('/')}/v1";
}
