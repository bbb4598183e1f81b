using System.Security.Cryptography;
using System.Text;
using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Contract;

namespace LlmAspire.DemoGateway.Security;

internal static class MasterKey
{
    private const string Bearer = "Bearer ";

    /// <summary>Asks for the master key, in any of the four headers that the proxy knows. Without a configured key everything is open.</summary>
    public static TBuilder RequireMasterKey<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.AddEndpointFilter((context, next) =>
    {
        if (context.HttpContext.RequestServices.GetRequiredService<LiteLlmConfig>().MasterKey is { } masterKey)
        {
            var shown = Shown(context.HttpContext.Request.Headers) ?? throw GatewayException.NoKey();
            if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(shown), Encoding.UTF8.GetBytes(masterKey)))
            {
                throw GatewayException.WrongKey();
            }
        }

        return next(context);
    });

    private static string? Shown(IHeaderDictionary headers)
    {
        foreach (var name in (string[])["x-litellm-api-key", "Authorization", "api-key", "x-api-key"])
        {
            var value = headers[name].ToString();
            if (value.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
            {
                return value[Bearer.Length..].Trim();
            }

            if (value.Length > 0 && name != "Authorization")
            {
                return value;
            }
        }

        return null;
    }
}
