namespace Aspire.Hosting.ApplicationModel;

/// <summary>The connection string of a resource, which is known when the application runs.</summary>
/// <param name="resource">The resource.</param>
/// <param name="optional">Whether it may have none.</param>
public class ConnectionStringReference(IResourceWithConnectionString resource, bool optional) : IValueProvider, IManifestExpressionProvider
{
    /// <summary>The resource.</summary>
    public IResourceWithConnectionString Resource { get; } = resource;

    /// <summary>Whether it may have none.</summary>
    public bool Optional { get; } = optional;

    /// <inheritdoc/>
    string IManifestExpressionProvider.ValueExpression => Resource.ValueExpression;

    /// <inheritdoc/>
    /// <exception cref="DistributedApplicationException">When there is none, and there must be one.</exception>
    async ValueTask<string?> IValueProvider.GetValueAsync(CancellationToken cancellationToken)
    {
        var value = await Resource.GetValueAsync(cancellationToken).ConfigureAwait(false);

        return value is not null || Optional
            ? value
            : throw new DistributedApplicationException($"The connection string of '{Resource.Name}' is not known.");
    }
}
