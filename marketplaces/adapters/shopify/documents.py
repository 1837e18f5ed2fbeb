"""What is asked of the shop. Sizes keep each call below the 1,000 points that one may cost (an object 1 point, a list its objects)."""

_LINE = """
fragment Line on FulfillmentOrderLineItem {
  id sku inventoryItemId productTitle variantTitle requiresShipping totalQuantity remainingQuantity
  lineItem { id currentQuantity unfulfilledQuantity discountedTotalSet { shopMoney { amount } } }
}
"""

_WORK = (
    """
fragment Work on FulfillmentOrder {
  id status requestStatus fulfillAt fulfillBy updatedAt
  deliveryMethod { methodType }
  assignedLocation { location { id } }
  lineItems(first: 15) { nodes { ...Line } pageInfo { hasNextPage endCursor } }
}
"""
    + _LINE
)

_ORDER = (
    """
fragment Whole on Order {
  id name createdAt updatedAt cancelledAt displayFinancialStatus displayFulfillmentStatus currencyCode note email phone
  currentTotalPriceSet { shopMoney { amount } }
  shippingLine { title }
  shippingAddress { name firstName lastName company address1 address2 city province provinceCode zip countryCodeV2 phone }
  fulfillments(first: 5) { id status }
  fulfillmentOrders(first: 3) { nodes { ...Work } pageInfo { hasNextPage endCursor } }
}
"""
    + _WORK
)

ORDERS = (
    """
query Orders($query: String!, $after: String) {
  orders(first: 4, after: $after, query: $query, sortKey: UPDATED_AT) { nodes { ...Whole } pageInfo { hasNextPage endCursor } }
}
"""
    + _ORDER
)

ORDER = "query Order($id: ID!) { order(id: $id) { ...Whole } }" + _ORDER

# Twenty orders in one call.
LAST_CHANGES = """
query LastChanges($ids: [ID!]!) {
  nodes(ids: $ids) { ... on Order { id updatedAt fulfillmentOrders(first: 20) { nodes { updatedAt } pageInfo { hasNextPage } } } }
}
"""

ORDER_OF_WORK = "query OrderOfWork($id: ID!) { fulfillmentOrder(id: $id) { orderId } }"

WORK = (
    """
query Work($id: ID!, $after: String) {
  order(id: $id) {
    cancelledAt
    fulfillmentOrders(first: 10, after: $after) { nodes { ...Work } pageInfo { hasNextPage endCursor } }
  }
}
"""
    + _WORK
)

LINES = (
    """
query Lines($id: ID!, $after: String) {
  fulfillmentOrder(id: $id) { lineItems(first: 100, after: $after) { nodes { ...Line } pageInfo { hasNextPage endCursor } } }
}
"""
    + _LINE
)

FULFILMENTS = """
query Fulfilments($id: ID!) {
  order(id: $id) { fulfillments(first: 80) { id status trackingInfo(first: 10) { number } } }
}
"""

LISTINGS = """
query Listings($location: ID!, $after: String) {
  productVariants(first: 100, after: $after, sortKey: ID) {
    nodes {
      id title sku barcode inventoryPolicy
      product { title status onlineStoreUrl }
      inventoryItem { id tracked inventoryLevel(locationId: $location) { quantities(names: ["available"]) { quantity } } }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

LOCATIONS = """
query Locations($after: String) {
  locations(first: 100, after: $after, includeInactive: false) { nodes { id name isActive } pageInfo { hasNextPage endCursor } }
}
"""

GRANTED = "query Granted { currentAppInstallation { accessScopes { handle } } }"

OWN_LOCATIONS = "query OwnLocations($ids: [ID!]!) { nodes(ids: $ids) { ... on Location { id isActive } } }"

SHOWN = """
query Shown($ids: [ID!]!, $location: ID!) {
  nodes(ids: $ids) {
    ... on InventoryItem { id inventoryLevel(locationId: $location) { quantities(names: ["available"]) { quantity } } }
  }
}
"""

SET_QUANTITIES = """
mutation SetQuantities($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup {
      changes(quantityNames: ["available"]) { name quantityAfterChange item { id } location { id } }
    }
    userErrors { code field message }
  }
}
"""

VARIANTS = """
query Variants($ids: [ID!]!) {
  nodes(ids: $ids) { ... on InventoryItem { id variants(first: 5) { nodes { id product { id } } } } }
}
"""

DENY = """
mutation Deny($product: ID!, $variants: [ProductVariantsBulkInput!]!) {
  productVariantsBulkUpdate(productId: $product, variants: $variants, allowPartialUpdates: true) {
    productVariants { id inventoryPolicy } userErrors { code field message }
  }
}
"""

FULFIL = """
mutation Fulfil($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id status } userErrors { field message } }
}
"""

UPDATE_TRACKING = """
mutation UpdateTracking($id: ID!, $tracking: FulfillmentTrackingInput!) {
  fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: $tracking, notifyCustomer: true) {
    fulfillment { id } userErrors { field message }
  }
}
"""

CANCEL = """
mutation Cancel($id: ID!) {
  orderCancel(orderId: $id, reason: INVENTORY, restock: false, notifyCustomer: true) {
    job { id } orderCancelUserErrors { code field message }
  }
}
"""

ACCEPT_CANCELLATION = """
mutation AcceptCancellation($id: ID!) {
  fulfillmentOrderAcceptCancellationRequest(id: $id) { fulfillmentOrder { id requestStatus } userErrors { field message } }
}
"""

REJECT_CANCELLATION = """
mutation RejectCancellation($id: ID!) {
  fulfillmentOrderRejectCancellationRequest(id: $id) { fulfillmentOrder { id requestStatus } userErrors { field message } }
}
"""

SUBSCRIPTIONS = """
query Subscriptions($uri: String!, $after: String) {
  webhookSubscriptions(first: 100, after: $after, uri: $uri) {
    nodes { id topic uri format }
    pageInfo { hasNextPage endCursor }
  }
}
"""

SUBSCRIBE = """
mutation Subscribe($topic: WebhookSubscriptionTopic!, $subscription: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $subscription) {
    webhookSubscription { id topic } userErrors { field message }
  }
}
"""

UNSUBSCRIBE = """
mutation Unsubscribe($id: ID!) {
  webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { field message } }
}
"""
