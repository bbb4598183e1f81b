using LlmAspire.AppHost.Stack;
using Microsoft.Extensions.Configuration;

namespace LlmAspire.AppHost.Services;

/// <summary>Where people sign in: section <c>Authentication</c>, which <c>api</c> and <c>web</c> have alike. See docs/accounts.md.</summary>
internal static class SignInExtensions
{
    private const string Section = "Authentication";
    private const string ClientSecret = "ClientSecret";

    /// <summary>Tells the service of the OpenID Connect provider, if there is one.</summary>
    public static IResourceBuilder<ProjectResource> WithSignIn(this IResourceBuilder<ProjectResource> service)
    {
        foreach (var (name, value) in service.ApplicationBuilder.Configuration.GetSection(Section).AsEnumerable(makePathsRelative: true))
        {
            if (value is not null && name != ClientSecret)
            {
                service.WithEnvironment($"{Section}__{name.Replace(":", "__", StringComparison.Ordinal)}", value);
            }
        }

        return service;
    }

    /// <summary>Gives the service its secret at the provider, if it has one.</summary>
    public static IResourceBuilder<ProjectResource> WithClientSecret(this IResourceBuilder<ProjectResource> service)
    {
        var builder = service.ApplicationBuilder;
        return builder.Configuration.Has($"{Section}:{ClientSecret}")
            ? service.WithEnvironment(
                $"{Section}__{ClientSecret}", builder.AddParameterFromConfiguration("authentication-client-secret", $"{Section}:{ClientSecret}", secret: true))
            : service;
    }
}
