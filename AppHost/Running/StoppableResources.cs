namespace LlmAspire.AppHost.Running;

/// <summary>The part of the model that has processes.</summary>
internal static class StoppableResources
{
    /// <summary>The resource that Aspire adds for its dashboard.</summary>
    public const string DashboardName = "aspire-dashboard";

    /// <summary>
    /// The projects, containers and executables that run as long as the stack does, in the order of the model: not the dashboard, and not what a person
    /// starts by hand.
    /// </summary>
    public static IEnumerable<IResource> FindStoppableResources(this DistributedApplicationModel model) => model.Resources.Where(resource =>
        resource is ProjectResource or ContainerResource or ExecutableResource
        && resource.Name != DashboardName
        && !resource.Annotations.OfType<ExplicitStartupAnnotation>().Any());
}
