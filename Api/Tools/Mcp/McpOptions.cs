using System.ComponentModel.DataAnnotations;
using LlmAspire.Api.Identity;

namespace LlmAspire.Api.Tools.Mcp;

/// <summary>Section <c>Mcp</c>: servers of the Model Context Protocol whose tools chats may use.</summary>
public sealed class McpOptions : IValidatableObject
{
    public const string Section = "Mcp";

    /// <summary>By names that people read.</summary>
    public Dictionary<string, McpServerOptions> Servers { get; set; } = [];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var (name, server) in Servers)
        {
            if (string.IsNullOrEmpty(server.Command) == server.Url is null)
            {
                yield return new ValidationResult($"{Section}:Servers:{name} needs a Command or a Url, and not both.");
            }

            if (server.Url is { } url && !(url.IsAbsoluteUri && url.Scheme is "http" or "https"))
            {
                yield return new ValidationResult($"{Section}:Servers:{name}:Url must be an http or https URL.");
            }

            if (server.ConnectTimeout <= TimeSpan.Zero || server.RetryAfter < TimeSpan.Zero || server.Timeout <= TimeSpan.Zero)
            {
                yield return new ValidationResult($"{Section}:Servers:{name}: time-outs must be greater than 0.");
            }
        }
    }
}

/// <summary>One server: a command that speaks over stdin and stdout, or an address (streamable HTTP, or the older server-sent events).</summary>
public sealed class McpServerOptions
{
    public bool Enabled { get; set; } = true;

    public string? Command { get; set; }

    public List<string> Arguments { get; set; } = [];

    public string? WorkingDirectory { get; set; }

    public Dictionary<string, string?> Environment { get; set; } = [];

    public Uri? Url { get; set; }

    /// <summary>Sent with each request; secrets belong into user secrets or the environment.</summary>
    public Dictionary<string, string> Headers { get; set; } = [];

    /// <summary>Before the names of its tools; null for the server's name and an underscore.</summary>
    public string? Prefix { get; set; }

    /// <summary>The lowest plan that has its tools.</summary>
    public Plan RequiredPlan { get; set; } = Plan.Basic;

    /// <summary>Names of tools, without the prefix; empty for all.</summary>
    public List<string> Tools { get; set; } = [];

    /// <summary>Of one call; null for <c>Tools:Timeout</c>.</summary>
    public TimeSpan? Timeout { get; set; }

    /// <summary>How long connecting, and listing its tools, may take.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a server that failed is left alone before it is tried again.</summary>
    public TimeSpan RetryAfter { get; set; } = TimeSpan.FromSeconds(15);
}
