import JSON
import TraceStore

/// `QueryResourcesRequest`.
///
/// AGL store contract, section 5.
enum ResourcesSearch {
  private static let model = QueryModel<ResourcesQuery.SortKey>(
    plural: "Resources",
    fields: ["resources_id", "create_time", "update_time", "version", "resources"],
    keys: ["resources_id": .id, "create_time": .createTime, "update_time": .updateTime, "version": .version])

  static func read(_ reader: inout RequestReader) throws(RequestFailure) -> LightningQuery<ResourcesQuery> {
    guard reader.isObject(JSONDocument.root) else { throw .invalid(reader.faults) }
    var query = ResourcesQuery()
    query.id = reader.condition("resources_id")
    query.idContains = reader.condition("resources_id_contains")
    let page = reader.page()
    try reader.check()
    query.page = try page.page(model)
    return LightningQuery(query, page)
  }
}
