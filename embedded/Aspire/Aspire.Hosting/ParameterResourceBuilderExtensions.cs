using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Orchestration;

namespace Aspire.Hosting;

/// <summary>Adds parameters: values from <c>Parameters:{name}</c>, from another setting, or generated.</summary>
public static class ParameterResourceBuilderExtensions
{
    /// <summary>A value from <c>Parameters:{name}</c>.</summary>
    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, [ResourceName] string name, bool secret = false) =>
        builder.AddResource(new ParameterResource(name, _ => Required(builder, $"Parameters:{name}"), secret));

    /// <summary>
    /// A value from <c>Parameters:{name}</c>, else made by <paramref name="value"/>, and then kept in user secrets when <paramref name="persist"/>.
    /// </summary>
    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder,
        [ResourceName] string name,
        ParameterDefault value,
        bool secret = false,
        bool persist = false)
        => builder.AddResource(new ParameterResource(
            name,
            _ => builder.Configuration[$"Parameters:{name}"] ?? (persist
                ? new UserSecrets(builder.AppHostAssembly).GetOrAdd($"Parameters:{name}", value.GetDefaultValue)
                : value.GetDefaultValue()),
            secret)
        {
            Default = value,
        });

    /// <summary>A value from a setting.</summary>
    public static IResourceBuilder<ParameterResource> AddParameterFromConfiguration(
        this IDistributedApplicationBuilder builder,
        [ResourceName] string name,
        string configurationKey,
        bool secret = false)
        => builder.AddResource(new ParameterResource(name, _ => Required(builder, configurationKey), secret));

    private static string Required(IDistributedApplicationBuilder builder, string key) =>
        builder.Configuration[key] ?? throw new DistributedApplicationException($"A value is missing: set '{key}'.");
}
