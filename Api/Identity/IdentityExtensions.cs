namespace LlmAspire.Api.Identity;

internal static class IdentityExtensions
{
    /// <summary>Lets everybody in as a demo user, until accounts exist. For development only.</summary>
    /// <exception cref="InvalidOperationException">Outside the environment Development.</exception>
    public static TBuilder AddDevelopmentIdentity<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        if (!builder.Environment.IsDevelopment())
        {
            throw new InvalidOperationException(
                $"The Api knows only its development identity, which lets everybody in, and the environment is {builder.Environment.EnvironmentName}. "
                + "Start it with ASPNETCORE_ENVIRONMENT=Development on a machine that only you can reach.");
        }

        builder.Services
            .AddAuthentication(DevelopmentIdentityHandler.SchemeName)
            .AddScheme<DevelopmentIdentityOptions, DevelopmentIdentityHandler>(
                DevelopmentIdentityHandler.SchemeName, options => builder.Configuration.GetSection("Identity").Bind(options));
        builder.Services.AddAuthorization();
        return builder;
    }
}
